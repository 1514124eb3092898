/** Replays of the erasure ledger that bring back what an erasure left or did elsewhere: kept rows, and rows of files. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { Sql } from 'postgres';
import { readErasureLedger } from '../../../supabase/functions/_shared/archive/read-erasure-ledger.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import type { RestorePlan } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { replayErasures } from '../../../supabase/functions/_shared/restore/replay-erasures.ts';
import { eraseNow } from '../account/erase-harness.ts';
import { type Account, startAccount } from '../account/export-harness.ts';

const BEFORE = '2020-01-01T00:00:00Z';
const idOf = (n: number) => `5eed0000-0000-4000-a000-${String(n).padStart(12, '0')}`;

let account: Account;
let sql: Sql;

before(async () => {
  account = await startAccount();
  sql = account.sql as unknown as Sql;
  await account.admin.unsafe(`
    insert into storage.buckets (id, name) values ('pictures', 'pictures'), ('documents', 'documents');
    insert into backup.setting (name, value) values ('subject_file_folders', '["documents"]')`);
  await sql.unsafe(`
    create table public.kept_bills (user_id uuid, no int, issued timestamptz, total int, primary key (issued, no));
    create table public.visits (user_id uuid, page text);
    insert into backup.subject_source (schema_name, table_name, decision, category, paths, erase, keep_reason, keep_for)
    select 'public', t.name, 'mapped', 'other',
      '[[{"columns": ["user_id"], "to": {"schema": "auth", "table": "users", "columns": ["id"]}}]]', t.erase, t.reason, t.span
    from (values ('kept_bills', 'keep', 'tax law', interval '8 years'), ('visits', 'delete', null, null))
      as t (name, erase, reason, span)`);
});

afterEach(async () => {
  await forgetErasures();
  await sql`truncate public.kept_bills, public.visits`;
  await account.removeFiles();
});

after(() => account.close());

/** As a backup of before all erasures has it. */
async function forgetErasures(): Promise<void> {
  await sql`delete from backup.erasure_kept`;
  await sql`delete from backup.erased_in_backup`;
  await sql`delete from backup.erasure`;
}

async function fill(people: readonly number[]): Promise<void> {
  for (const n of people) {
    await sql`insert into public.kept_bills
      select ${idOf(n)}::uuid, ${n} * 10 + i, '2025-06-01T12:00:00.123456Z', 5 from generate_series(1, 2) as i`;
    await sql`insert into public.visits values (${idOf(n)}, 'home')`;
  }
}

/** With these entries of the ledger. */
async function replay(ids: readonly string[] | 'all', tables: RestorePlan['tables'] = []) {
  const all = await readErasureLedger(account.store, { verificationKeys: null });
  const ledger = {
    ...all,
    problems: [],
    entries: all.entries.filter(({ entry }) => ids === 'all' || ids.includes(entry.erasure_id)),
  };
  if (ids !== 'all') assert.equal(ledger.entries.length, ids.length);
  const session = await openSession(nodePlatform, account.database.url, { applicationName: 'test' });
  try {
    const plan = { tables, partitioned: [] };
    const options = { tables: null, schemas: null, renameSchema: null };
    const source = { kind: 'ledger', ledger, allowDamaged: false } as const;
    return await replayErasures(session, source, { plan, options, takenAt: BEFORE });
  } finally {
    await session.close();
  }
}

const bills = async () =>
  (await sql`select distinct user_id from public.kept_bills order by 1`).map((row) => String(row.user_id));

/** More than twenty are erased in groups. */
for (const most of [2, 25])
  test(`kept rows of ${most} people that an older backup brings back go when their time is over, and nobody else's`, async () => {
    const people = Array.from({ length: most }, (_, at) => at + 1);
    const stranger = most + 1;
    await fill([...people, stranger]);
    // One of them has nothing that is kept.
    await sql`delete from public.kept_bills where user_id = ${idOf(2)}`;
    const ids: string[] = [];
    for (const n of people) ids.push(await eraseNow(account.means, idOf(n)));
    const noted =
      () => sql`select e.erasure_id, e.schema_name, e.table_name, e.key_columns, e.row_count, e.reason, e.keep_until,
        (select jsonb_agg(k order by k) from jsonb_array_elements(e.keys) k) as keys
      from backup.erasure_kept e order by e.erasure_id`;
    const erased = await noted();
    assert.equal(erased.length, most - 1);
    await forgetErasures();
    await sql`insert into public.visits values (${idOf(1)}, 'home')`;
    for (const turn of ['first', 'again']) {
      const { check } = await replay(ids);
      assert.equal(check.verdict, 'passed', JSON.stringify(check));
      assert.deepEqual([...(await noted())], [...erased], turn);
    }
    const [visits] = await sql`select count(*)::int as n from public.visits where user_id = ${idOf(1)}`;
    assert.equal(visits!.n, 0);
    assert.equal((await bills()).length, most);
    await sql`update backup.erasure_kept set keep_until = now() - interval '1 day'`;
    await sql`select backup.tick()`;
    await account.work();
    assert.deepEqual(await bills(), [idOf(stranger)]);
    const [open] = await sql`select count(*)::int as n from backup.erasure_kept where erased_at is null`;
    assert.equal(open!.n, 0);
  });

test('kept rows that are restored into a living database are noted beside those that are noted already', async () => {
  await fill([100]);
  await eraseNow(account.means, idOf(100));
  await sql`delete from public.kept_bills`;
  await sql`insert into public.kept_bills values (${idOf(100)}, 77, '2025-06-01', 5)`;
  const { check } = await replay('all');
  assert.equal(check.verdict, 'passed', JSON.stringify(check));
  const [row] = await sql`select jsonb_array_length(keys) as n, row_count::int as rows from backup.erasure_kept`;
  assert.deepEqual([row!.n, row!.rows], [3, 3]);
});

test('kept rows that cannot be noted are named, and the replay does not say that all is well', async () => {
  await fill([1]);
  const id = await eraseNow(account.means, idOf(1));
  await forgetErasures();
  await sql`alter table public.kept_bills drop constraint kept_bills_pkey`;
  try {
    const { check } = await replay([id]);
    assert.equal(check.verdict, 'inconclusive');
    assert.match(check.findings.join(), /public\.kept_bills: 2 rows .* because the table has no primary key/);
  } finally {
    await sql`alter table public.kept_bills add primary key (issued, no)`;
  }
});

for (const [how, name, owner] of [
  ['the owner', 'portrait.png', idOf(1)],
  ['the first folder', `${idOf(1)}/contract.pdf`, null],
] as const)
  test(`rows of files of a person who had nothing else, known by ${how}, are erased again`, async () => {
    const bucket = owner === null ? 'documents' : 'pictures';
    const stay = [
      ['pictures', 'other.png', idOf(2)],
      ['pictures', `${idOf(1)}/in-a-bucket-without-folders.png`, null],
      ['documents', idOf(1), null],
    ] as const;
    await account.upload(idOf(1), { bucket, name, bytes: new Uint8Array(10) });
    await account.admin`update storage.objects set owner_id = ${owner}, owner = null where name = ${name}`;
    const id = await eraseNow(account.means, idOf(1));
    const [gone] = await account.admin`select count(*)::int as n from storage.objects`;
    assert.equal(gone!.n, 0);
    await forgetErasures();
    for (const [of, file, by] of [[bucket, name, owner], ...stay] as const)
      await account.admin`insert into storage.objects (bucket_id, name, owner_id) values (${of}, ${file}, ${by})`;
    const table = { schema: 'storage', name: 'objects' };
    const planned = [{ table, target: table, action: 'load' }] as unknown as RestorePlan['tables'];
    const { check, rows } = await replay([id], planned);
    assert.deepEqual([check.verdict, rows], ['passed', 1], JSON.stringify(check));
    const left = await account.admin`select name from storage.objects order by name collate "C"`;
    assert.deepEqual(left.map((row) => String(row.name)).sort(), stay.map(([, file]) => file).sort());
  });

test('rows of files that the restore did not bring are left alone', async () => {
  await account.upload(idOf(1), { bucket: 'pictures', name: 'a.png', bytes: new Uint8Array(10) });
  const id = await eraseNow(account.means, idOf(1));
  await forgetErasures();
  await account.admin`insert into storage.objects (bucket_id, name, owner_id) values ('pictures', 'a.png', ${idOf(1)})`;
  const { check, rows } = await replay([id]);
  assert.deepEqual([check.verdict, rows], ['passed', 0], JSON.stringify(check));
});
