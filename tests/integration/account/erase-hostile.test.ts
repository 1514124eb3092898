/** Erasures that something works against: triggers, bans, backups in progress, a database restored without its ledger. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Sql } from 'postgres';
import { executeErasure } from '../../../supabase/functions/_shared/account/erase/execute-erasure.ts';
import { requestErasure } from '../../../supabase/functions/_shared/account/erase/request-erasure.ts';
import { readErasureLedger } from '../../../supabase/functions/_shared/archive/read-erasure-ledger.ts';
import { createDirectoryStore } from '../../../supabase/functions/_shared/stores/directory-store.ts';
import { installSubjectTruthSet, truthUser } from '../../support/subject-truth-set.ts';
import { temporaryDirectory } from '../export/export-harness.ts';
import { confirmNow, eraseNow, unblockTruthSet } from './erase-harness.ts';
import { type Account, startAccount } from './export-harness.ts';

let account: Account;
let sql: Sql;
let out: string;

before(async () => {
  out = temporaryDirectory();
  account = await startAccount({ store: createDirectoryStore(out) });
  sql = account.sql as unknown as Sql;
  await installSubjectTruthSet(account.database.url);
  await unblockTruthSet(sql);
});

after(async () => {
  await account.close();
  rmSync(out, { recursive: true, force: true });
});

const means = () => ({ ...account.means, sql });

async function confirmed(n: number): Promise<string> {
  const userId = truthUser(n).id;
  const { erasureId, token } = await requestErasure(sql, { userId, origin: 'operator', reason: null });
  await confirmNow(sql, { userId, erasureId, token });
  return erasureId;
}

test('a trigger that copies what is deleted into a mapped table does not keep the erasure from ending', async () => {
  const user = truthUser(31);
  await sql.unsafe(`
    create table public.a_deleted_events (user_id uuid, what text);
    create function public.copy_event() returns trigger language plpgsql as $$
      begin insert into public.a_deleted_events values (old.user_id, 'gone'); return old; end $$;
    create trigger copy_event before delete on public.usage_events for each row execute function public.copy_event();
    insert into backup.subject_source
    select (jsonb_populate_record(s, '{"table_name": "a_deleted_events"}')).*
    from backup.subject_source s where table_name = 'usage_events'`);
  try {
    await eraseNow(account.means, user.id);
    const [left] = await sql`select count(*)::int as n from public.a_deleted_events where user_id = ${user.id}`;
    assert.equal(left!.n, 0);
  } finally {
    await sql.unsafe(`delete from backup.subject_source where table_name = 'a_deleted_events';
      drop table public.a_deleted_events; drop trigger copy_event on public.usage_events; drop function public.copy_event()`);
  }
});

test('a trigger that refuses ends nothing halfway, and its words are kept nowhere', async () => {
  const user = truthUser(32);
  await sql.unsafe(`
    create function public.refuse() returns trigger language plpgsql as $$
      begin raise exception 'cannot delete ${user.email}'; end $$;
    create trigger refuse before delete on public.usage_events for each row execute function public.refuse()`);
  const id = await confirmed(32);
  const [rows] = await sql`select count(*)::int as n from public.addresses where user_id = ${user.id}`;
  await assert.rejects(executeErasure(means(), id), (error: Error) => {
    assert.ok(!error.message.includes(user.email), error.message);
    assert.match(error.message, /P0001/);
    return true;
  });
  const [now] = await sql`select count(*)::int as n from public.addresses where user_id = ${user.id}`;
  assert.equal(now!.n, rows!.n);
  await sql.unsafe('drop trigger refuse on public.usage_events; drop function public.refuse()');
  assert.equal((await executeErasure(means(), id)).state, 'completed');
});

test('a backup that began between the rows and the account holds the account, and is noted', async () => {
  const id = await confirmed(33);
  await executeErasure(means(), id, {
    async onStep(step) {
      if (step === 'rows')
        await sql`insert into public.backup_log (backup_id, backup_type, status, started_at)
          values ('between', 'full', 'in_progress', clock_timestamp())`;
    },
  });
  const [held] =
    await sql`select must_end_by from backup.erased_in_backup where erasure_id = ${id} and backup_id = 'between'`;
  assert.ok(held);
});

test('a refusal gives a banned account its ban back', async () => {
  const user = truthUser(34);
  await account.admin`update auth.users set banned_until = '2031-01-01' where id = ${user.id}`;
  const id = await confirmed(34);
  await sql`update backup.erasure set plan_sha256 = 'of something else' where erasure_id = ${id}`;
  await assert.rejects(executeErasure(means(), id), { code: 'ERASURE_PLAN_CHANGED' });
  const [row] = await account.admin`select banned_until::date::text as until from auth.users where id = ${user.id}`;
  assert.equal(row!.until, '2031-01-01');
});

test('nobody executes an erasure before the time to think again is over', async () => {
  const id = await confirmed(35);
  await sql`update backup.erasure set due_at = now() + interval '1 day' where erasure_id = ${id}`;
  await assert.rejects(executeErasure(means(), id), /ERASURE_NOT_OPEN|can be called off until/);
  const [row] = await sql`select state from backup.erasure where erasure_id = ${id}`;
  assert.equal(row!.state, 'scheduled');
});

test('a person whose account was deleted by hand is erased by the id, also when that happens before the execution', async () => {
  const gone = '5eed0000-0000-4000-a000-00000000dead';
  await sql.unsafe(`create table public.loose_notes (user_id uuid, note text);
    insert into public.loose_notes values ('${gone}', 'x'), ('${truthUser(40).id}', 'y');
    insert into backup.subject_source
    select (jsonb_populate_record(s, '{"table_name": "loose_notes"}')).*
    from backup.subject_source s where table_name = 'usage_events'`);
  try {
    await eraseNow(account.means, gone);
    const left = await sql`select note from public.loose_notes`;
    assert.deepEqual([...left], [{ note: 'y' }]);
    const nobody = { userId: '5eed0000-0000-4000-a000-00000000beef', origin: 'operator', reason: null } as const;
    await assert.rejects(requestErasure(sql, nobody), { code: 'SUBJECT_UNKNOWN' });
    const { erasureId, token } = await requestErasure(sql, { ...nobody, userId: truthUser(40).id });
    await confirmNow(sql, { userId: truthUser(40).id, erasureId, token });
    await sql`delete from public.loose_notes`;
    await account.admin.unsafe(`set session_replication_role = replica; delete from auth.users where id = '${truthUser(40).id}';
      set session_replication_role = origin`);
    assert.equal((await executeErasure(means(), erasureId)).state, 'completed');
  } finally {
    await sql.unsafe(
      `delete from backup.subject_source where table_name = 'loose_notes'; drop table public.loose_notes`,
    );
  }
});

test('what stands in the way comes with the statement that removes it, and that statement does', async () => {
  const user = truthUser(41);
  await sql.unsafe(`create table public."Odd holds" (id int, "User" uuid references auth.users deferrable);
    insert into public."Odd holds" values (1, '${user.id}')`);
  try {
    const ask = () => requestErasure(sql, { userId: user.id, origin: 'operator', reason: null });
    const blocked = await ask().catch((error: { code: string; hint: string }) => error);
    assert.ok('hint' in blocked && blocked.code === 'ERASURE_BLOCKED');
    const query = /select format.*?(?= \\gexec)/.exec(blocked.hint)?.[0];
    assert.ok(query, blocked.hint);
    const [made] = await sql.unsafe(query).values();
    await sql.unsafe(made![0] as string);
    assert.ok('erasureId' in (await ask()));
    await eraseNow(account.means, user.id);
    assert.deepEqual([...(await sql`select "User" as who from public."Odd holds"`)], [{ who: null }]);
  } finally {
    await sql.unsafe('drop table public."Odd holds"');
  }
});

test('of two confirmations at once one counts; a cancellation that races with the execution wins or loses whole', async () => {
  const userId = truthUser(42).id;
  const { erasureId, token } = await requestErasure(sql, { userId, origin: 'operator', reason: null });
  const twice = await Promise.allSettled([1, 2].map(() => confirmNow(sql, { userId, erasureId, token })));
  assert.deepEqual(twice.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const [cancelled, executed] = await Promise.allSettled([
    sql`select backup.cancel_erasure(${userId}::uuid, ${erasureId}::uuid) ->> 'outcome' as outcome`,
    executeErasure(means(), erasureId),
  ]);
  assert.equal(cancelled.status, 'fulfilled');
  const won = cancelled.value[0]!.outcome === 'cancelled';
  const [there] = await account.admin`select count(*)::int as n from auth.users where id = ${userId}`;
  assert.deepEqual([executed.status, there!.n], won ? ['rejected', 1] : ['fulfilled', 0]);
});

test('a person of 100,000 rows without an index is erased within a minute', async () => {
  const user = truthUser(43);
  await sql.unsafe(`create table public.many (user_id uuid, at int);
    insert into public.many select '${user.id}', n from generate_series(1, 100000) as n;
    insert into public.many select '${truthUser(44).id}', n from generate_series(1, 1000) as n;
    insert into backup.subject_source select (jsonb_populate_record(s, '{"table_name": "many"}')).*
    from backup.subject_source s where table_name = 'usage_events'`);
  try {
    const [begun, heap] = [performance.now(), process.memoryUsage().heapUsed];
    await eraseNow(account.means, user.id);
    const seconds = (performance.now() - begun) / 1000;
    console.log(
      `# 100,000 rows: ${seconds.toFixed(1)} s, ${Math.round((process.memoryUsage().heapUsed - heap) / 1e6)} MB`,
    );
    assert.ok(seconds < 60, `${seconds} s`);
    const [left] = await sql`select count(*)::int as n from public.many`;
    assert.equal(left!.n, 1000);
  } finally {
    await sql.unsafe(`delete from backup.subject_source where table_name = 'many'; drop table public.many`);
  }
});

test('a failed erasure whose entry is in the ledger is gone on with, not asked for again', async () => {
  const id = await confirmed(36);
  await sql`update backup.erasure set state = 'failed', entry = '{}' where erasure_id = ${id}`;
  await assert.rejects(
    requestErasure(sql, { userId: truthUser(36).id, origin: 'operator', reason: null }),
    (error: { code: string; hint: string }) => error.code === 'ERASURE_OPEN' && error.hint.includes('--resume'),
  );
  await sql`update backup.erasure set entry = null where erasure_id = ${id}`;
});

test('a database that was restored without its ledger gives no place of the ledger a second time', async () => {
  await eraseNow(account.means, truthUser(37).id);
  await eraseNow(account.means, truthUser(38).id);
  // As a backup of before all of them would have it.
  await sql`delete from backup.erasure_kept`;
  await sql`delete from backup.erased_in_backup`;
  const gone = await sql`delete from backup.erasure where position is not null returning position`;
  assert.ok(gone.length >= 4);
  const id = await eraseNow(account.means, truthUser(39).id);
  const ledger = await readErasureLedger(createDirectoryStore(out), { verificationKeys: null });
  assert.deepEqual(ledger.problems, []);
  assert.equal(ledger.entries.at(-1)!.entry.erasure_id, id);
  assert.equal(ledger.entries.length, gone.length + 1);
  const [known] = await sql`select count(*)::int as n from backup.erasure where position is not null`;
  assert.equal(known!.n, ledger.entries.length);
});
