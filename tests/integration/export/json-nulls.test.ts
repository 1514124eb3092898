/** JSON null is what the format json cannot say: the manifest counts it wherever it is, also under a domain. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { countJsonNulls } from '../../../supabase/functions/_shared/backup/count-json-nulls.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import { readCatalog } from '../../../supabase/functions/_shared/postgres/read-catalog.ts';
import { makeBackup, restore } from '../restore/restore-harness.ts';
import { withSql } from './export-harness.ts';
import { RoundTrip } from './round-trip-databases.ts';

const SCHEMA = `
  create domain public.document as jsonb; create domain public.contract as public.document; create domain public.raw as json;
  create table public.papers (id int primary key, a jsonb, b public.contract not null, c public.raw, d jsonb[], e text);
  insert into public.papers values
    (1, 'null', 'null', 'null', array['null'::jsonb], 'null'), (2, null, 'null', null, null, null), (3, '{}', '[null]', '0', '{}', '');`;

let round: RoundTrip;
let source: string;

before(async () => {
  round = await RoundTrip.begin(17);
  source = await round.plainDatabase('source_of_nulls', SCHEMA);
});
after(() => round.end());

test('columns of domains over json and jsonb are counted, and such a backup is restored', async () => {
  const args = ['--mode', 'full', '--format', 'json'];
  const backup = await makeBackup(source, { ...round, args });
  const manifest = JSON.parse(readFileSync(join(round.out, backup.folder, 'manifest.json'), 'utf8'));
  assert.deepEqual(manifest.tables[0].json_null_columns, { a: 1, b: 2, c: 1 });
  const target = await round.plainDatabase('target_of_nulls');
  assert.equal((await restore(backup, target)).status, 'completed');
  const rows = await withSql(target, (sql) => sql`select id, b::text, d::text from public.papers order by id`);
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [
      { id: 1, b: 'null', d: '{"null"}' },
      { id: 2, b: 'null', d: null },
      { id: 3, b: '[null]', d: '{}' },
    ],
  );
});

test("of an extension's configuration table the user's rows alone are counted", async () => {
  const session = await openSession(nodePlatform, source);
  try {
    const { tables } = await readCatalog(session);
    const papers = { ...tables.find(({ name }) => name === 'papers')!, configCondition: 'id > 1 or id < 0' };
    const range = { fromBlock: 0, toBlock: null };
    assert.deepEqual(await countJsonNulls(session, papers, { range }), { b: 1 });
    assert.deepEqual(await countJsonNulls(session, papers, { range, where: 'id <> 2' }), {});
    assert.deepEqual(await countJsonNulls(session, { ...papers, configCondition: '' }, { range }), {
      a: 1,
      b: 2,
      c: 1,
    });
  } finally {
    await session.close();
  }
});
