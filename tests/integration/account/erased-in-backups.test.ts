/** Which backups hold an erased person: also those that the ledger learns of after the erasure. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sql } from 'postgres';
import { eraseNow } from './erase-harness.ts';
import { type Account, startAccount } from './export-harness.ts';

let account: Account;
let sql: Sql;

before(async () => {
  account = await startAccount();
  sql = account.sql as unknown as Sql;
});
after(() => account?.close());

/** As a rebuild from the store adds it: it began on that day. */
async function knowBackup(backupId: string, startedAt: Date, status = 'completed'): Promise<void> {
  await sql`
    insert into public.backup_log (backup_id, backup_type, status, started_at, completed_at)
    values (${backupId}, 'full', ${status}, ${startedAt}, ${startedAt})`;
}

const holding = async (erasureId: string) =>
  await sql`select backup_id, due_at from backup.erasures_in_backups() where erasure_id = ${erasureId} order by 1`;

test('a backup that is added to the ledger after an erasure holds the person when it is older, and not when it is younger', async () => {
  const userId = crypto.randomUUID();
  await account.admin`insert into auth.users (id, email) values (${userId}, 'gone@example.com')`;
  await knowBackup('manual_20260101_000000_00000001', new Date(Date.now() - 86_400_000));
  const id = await eraseNow(account.means, userId);
  await knowBackup('manual_20260101_000000_00000002', new Date(Date.now() - 2 * 86_400_000));
  await knowBackup('manual_20260101_000000_00000003', new Date(Date.now() + 1000));
  await knowBackup('manual_20260101_000000_00000004', new Date(Date.now() - 86_400_000), 'failed');
  const [{ erased }] = (await sql`
    select rows_erased_at as erased from backup.erasure where erasure_id = ${id}`) as unknown as [{ erased: Date }];
  const due = new Date(erased.getTime() + 365 * 86_400_000).toISOString().slice(0, 10);
  assert.deepEqual(
    (await holding(id)).map(({ backup_id, due_at }) => [backup_id, due_at.toISOString().slice(0, 10)]),
    [
      ['manual_20260101_000000_00000001', due],
      ['manual_20260101_000000_00000002', due],
    ],
  );
  await sql`delete from public.backup_log where backup_id = 'manual_20260101_000000_00000002'`;
  assert.equal((await holding(id)).length, 1);
});

test('an erasure that is taken over from the store’s ledger counts for the backups of before it, and is overdue in time', async () => {
  const id = crypto.randomUUID();
  const at = new Date(Date.now() - 400 * 86_400_000);
  await knowBackup('manual_20250101_000000_00000005', new Date(at.getTime() - 86_400_000));
  await sql`select backup.take_over_ledger_entry(${id}, 900, '{}', 'x', 'y', ${at})`;
  assert.deepEqual(
    (await holding(id)).map(({ backup_id }) => backup_id),
    ['manual_20250101_000000_00000005'],
  );
  const [overdue] = await sql`select backup_id, erasures::int from backup.backups_overdue_for_erasure()`;
  assert.deepEqual({ ...overdue }, { backup_id: 'manual_20250101_000000_00000005', erasures: 1 });
});
