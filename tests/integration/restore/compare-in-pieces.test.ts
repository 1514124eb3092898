/** A table whose rows are more than one slice of a drill may compare: within one object too. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import type { PgSession } from '../../../supabase/functions/_shared/postgres/session.ts';
import { compareInPieces, NO_PIECES } from '../../../supabase/functions/_shared/restore/drill/compare-in-pieces.ts';
import { sliceBudget } from '../../../supabase/functions/_shared/restore/drill/slice-budget.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { type Backup, makeBackup, planOf } from './checks-harness.ts';

const ROWS = 200_000;
/** A slice of a quarter of a second, by the costs of slice-budget.ts. */
const SLICE = 25_000_000;

let database: TestDatabase;
let backup: Backup;
let session: PgSession;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'empty' });
  session = await openSession(nodePlatform, database.url, { applicationName: 'test' });
  await session.query(`create table public.link (a int, b int);
    insert into public.link select i, i * 7 from generate_series(1, ${ROWS}) i`);
  backup = await makeBackup(database.url);
});

after(async () => {
  await session.close();
  await database.drop();
});

/** The largest cost of a slice, how many there were, and what they found. */
async function compare() {
  const plan = planOf(backup.manifest);
  const planned = plan.tables.find(({ table }) => table.name === 'link')!;
  assert.equal(planned.table.segments.length, 1);
  const context = { session, manifest: backup.manifest, plan, openSession: async () => session, read: backup.read };
  let pieces = { ...NO_PIECES };
  let largest = 0;
  for (let slices = 1; ; slices++) {
    const budget = sliceBudget({ bytes: SLICE, seconds: 60 });
    const result = await compareInPieces(context, planned, { pieces, budget });
    largest = Math.max(largest, SLICE - budget.left());
    if (result) return { result, slices, largest };
    // As the job's row carries it from call to call.
    pieces = JSON.parse(JSON.stringify(pieces));
  }
}

test('short rows of one object are compared in slices of bounded cost, and found equal', async () => {
  const { result, slices, largest } = await compare();
  assert.equal(result.verdict, 'passed', JSON.stringify(result));
  assert.ok(slices >= 6, `${slices} slices`);
  assert.ok(largest < 1.5 * SLICE, `a slice cost ${largest}`);
});

test('one changed value among them is found', async () => {
  await session.query('update public.link set b = b + 1 where a = 150000');
  const { result } = await compare();
  assert.equal(result.verdict, 'failed');
  assert.match(result.findings.join(), /200000 rows as there, with other values/);
});
