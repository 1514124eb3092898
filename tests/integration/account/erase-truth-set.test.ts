/** 20 of 200 users are erased: nothing of them remains anywhere, and nobody else's row has changed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sql } from 'postgres';
import { planErasure } from '../../../supabase/functions/_shared/account/erase/plan-erasure.ts';
import { requestErasure } from '../../../supabase/functions/_shared/account/erase/request-erasure.ts';
import { installSubjectTruthSet, truthFiles, truthUser } from '../../support/subject-truth-set.ts';
import { allRows, eraseNow, rowsOfOthers, tracesOf, unblockTruthSet } from './erase-harness.ts';
import { type Account, startAccount } from './export-harness.ts';

/** Those with a number that 9 divides have bookings with an address and no owner: nothing says whose that is. */
const ERASED = Array.from({ length: 200 }, (_, at) => at + 1)
  .filter((n) => n % 9 !== 0 && n % 9 !== 4)
  .filter((_, at) => at % 8 === 3)
  .slice(0, 20)
  .map(truthUser);

let account: Account;
let sql: Sql;

before(async () => {
  account = await startAccount();
  sql = account.sql as unknown as Sql;
  await installSubjectTruthSet(account.database.url);
});

after(async () => {
  await account.close();
});

test('what stands in the way is named before anything is done, constraint by constraint', async () => {
  const { plan } = await planErasure(sql, truthUser(8).id);
  const blockers = plan.blockers.map(({ constraint }) => constraint);
  for (const name of ['invoices_user_id_fkey', 'moderation_queue_user_id_fkey', 'bookings_service_id_fkey'])
    assert.ok(blockers.includes(name), `${name} of ${blockers}`);
  await assert.rejects(
    requestErasure(sql, { userId: truthUser(8).id, origin: 'user', reason: null }),
    (error: { code: string; message: string }) =>
      error.code === 'ERASURE_BLOCKED' && error.message.includes('moderation_queue_user_id_fkey'),
  );
  const [row] = await sql`select count(*)::int as n from backup.erasure`;
  assert.equal(row!.n, 0);
});

test('20 of 200 users are erased: no text of theirs is left, everybody else has what they had', async () => {
  await unblockTruthSet(sql);
  assert.equal(ERASED.length, 20);
  const others = await rowsOfOthers(account.admin, ERASED);
  const files = await account.admin.unsafe(
    `select count(*)::int as n from storage.objects o where not coalesce(${ERASED.map((user) => truthFiles(user)).join(' or ')}, false)`,
  );
  for (const { id } of ERASED) await eraseNow(account.means, id);
  assert.deepEqual(
    await tracesOf(
      account.admin,
      ERASED.flatMap(({ id, email }) => [id, `"${email}"`]),
    ),
    [],
  );
  const left = await allRows(account.admin);
  // What may be there besides: rows that the law keeps, and shared ones without the name.
  const staying = new Set(
    ['invoices', 'invoice_lines', 'invoice_line_taxes', 'conversations', 'messages', 'calls', 'bookings'].map(
      (name) => `public.${name}`,
    ),
  );
  for (const [table, rows] of others) {
    const now = new Map<string, number>();
    for (const row of left.get(table)!) now.set(row, (now.get(row) ?? 0) + 1);
    for (const row of rows) {
      assert.ok((now.get(row) ?? 0) > 0, `${table} has lost or changed ${row}`);
      now.set(row, now.get(row)! - 1);
    }
    if (!staying.has(table)) assert.equal(left.get(table)!.length, rows.length, table);
  }
  const [objects] = await account.admin`select count(*)::int as n from storage.objects`;
  assert.equal(objects!.n, files[0]!.n);
  const [users] = await account.admin`select count(*)::int as n from auth.users where id::text like '5eed%'`;
  assert.equal(users!.n, 180);
  const [kept] = await sql`
    select count(*)::int as n, sum(row_count)::int as rows from backup.erasure_kept where table_name = 'invoices'`;
  const [orphans] = await account.admin`select count(*)::int as n from public.invoices where user_id is null`;
  assert.equal(kept!.rows, orphans!.n);
  assert.ok(kept!.rows > 0);
});

test('the certificate counts what the database counted', async () => {
  const user = truthUser(2);
  const count = async (text: string) => (await account.admin.unsafe(`select count(*)::int as n from ${text}`))[0]!.n;
  const expected = {
    'public.addresses': await count(`public.addresses where user_id = '${user.id}'`),
    'public.invoices': await count(`public.invoices where user_id = '${user.id}'`),
    'public.messages': await count(`public.messages where '${user.id}' in (sender_id, recipient_id)`),
  };
  const id = await eraseNow(account.means, user.id);
  const [row] = await sql`select certificate, subject_id, state from backup.erasure where erasure_id = ${id}`;
  assert.deepEqual([row!.subject_id, row!.state], [null, 'completed']);
  const certificate = JSON.parse(row!.certificate);
  for (const [name, rows] of Object.entries(expected)) {
    const found = certificate.tables.find(
      (one: { schema: string; table: string }) => `${one.schema}.${one.table}` === name,
    );
    assert.equal(found?.rows, rows, name);
  }
  assert.equal(
    certificate.kept.find((one: { table: string }) => one.table === 'invoices').reason,
    'Tax law: invoices are kept for eight years',
  );
  assert.ok(!row!.certificate.includes(user.id) && !row!.certificate.includes(user.email));
});

test('kept rows go when their time is over, by a job that the heartbeat starts', async () => {
  const [before] = await account.admin`select count(*)::int as n from public.invoices where user_id is null`;
  assert.ok(before!.n > 0);
  await sql`update backup.erasure_kept set keep_until = now() - interval '1 day'`;
  await sql`select backup.tick()`;
  await account.work();
  const [after_] = await account.admin`select count(*)::int as n from public.invoices where user_id is null`;
  assert.equal(after_!.n, 0);
  const [open] =
    await sql`select count(*)::int as n from backup.erasure_kept where erased_at is null or keys is not null`;
  assert.equal(open!.n, 0);
});
