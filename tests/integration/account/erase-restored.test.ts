/** Erasures that a database knows as they were before: set back by the platform, or restored from a backup of that time. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Sql } from 'postgres';
import { executeErasure } from '../../../supabase/functions/_shared/account/erase/execute-erasure.ts';
import { requestErasure } from '../../../supabase/functions/_shared/account/erase/request-erasure.ts';
import { readErasureLedger } from '../../../supabase/functions/_shared/archive/read-erasure-ledger.ts';
import { readEraseCatalog } from '../../../supabase/functions/_shared/postgres/erase-catalog.ts';
import { takeOverLedger } from '../../../supabase/functions/_shared/restore/take-over-ledger.ts';
import { createDirectoryStore } from '../../../supabase/functions/_shared/stores/directory-store.ts';
import { runScript } from '../../support/run-script.ts';
import { installSubjectTruthSet, truthUser } from '../../support/subject-truth-set.ts';
import { temporaryDirectory } from '../export/export-harness.ts';
import { confirmNow, eraseNow, tracesOf, unblockTruthSet } from './erase-harness.ts';
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
  await account?.close();
  rmSync(out, { recursive: true, force: true });
});

async function confirmed(n: number): Promise<string> {
  const userId = truthUser(n).id;
  const { erasureId, token } = await requestErasure(sql, { userId, origin: 'operator', reason: null });
  await confirmNow(sql, { userId, erasureId, token });
  await sql`update backup.job set not_before = now() + interval '1 day' where subject = ${erasureId}`;
  return erasureId;
}

/** The waiting time, as a backup of it holds it: the request, its job, the account, and a row with the address alone. */
async function waitingTime(n: number, erasureId: string): Promise<() => Promise<void>> {
  const user = truthUser(n);
  await sql`delete from public.newsletter_subscriptions where lower(email) = ${user.email}`;
  const subscribe = () =>
    sql`insert into public.newsletter_subscriptions values (${9000 + n}, ${user.email.toUpperCase()}, 'news')`;
  await subscribe();
  const [kept] = await sql`
    select to_jsonb(e)::text as erasure, to_jsonb(j)::text as job
    from backup.erasure e join backup.job j on j.id = e.job_id where e.erasure_id = ${erasureId}`;
  return async () => {
    await sql`delete from backup.erasure_kept where erasure_id = ${erasureId}`;
    await sql`delete from backup.erased_in_backup where erasure_id = ${erasureId}`;
    await sql`delete from backup.erasure where erasure_id = ${erasureId}`;
    await sql`insert into backup.erasure select (jsonb_populate_record(null::backup.erasure, ${kept!.erasure}::text::jsonb)).*`;
    await sql`delete from backup.job where subject = ${erasureId}`;
    await sql`insert into backup.job select (jsonb_populate_record(null::backup.job, ${kept!.job}::text::jsonb)).*`;
    await account.admin`insert into auth.users (id, email) values (${user.id}, ${user.email})`;
    await subscribe();
  };
}

const comeDue = (erasureId: string) => sql`update backup.job set not_before = now() where subject = ${erasureId}`;
const stateOf = async (erasureId: string) => {
  const [row] = await sql`
    select e.state, e.error, e.plan -> 'subject' as subject, e.certificate is not null as certified, j.state as job
    from backup.erasure e left join backup.job j on j.subject = e.erasure_id::text where e.erasure_id = ${erasureId}`;
  return row!;
};

test('a database set back into the waiting time erases again what is found by the address alone', async () => {
  const id = await confirmed(51);
  const setBack = await waitingTime(51, id);
  await comeDue(id);
  await account.work();
  assert.equal((await stateOf(id)).state, 'completed');
  await setBack();
  await comeDue(id);
  await account.work();
  const { state, job, error, subject, certified } = await stateOf(id);
  assert.deepEqual(
    { state, job, subject, certified },
    { state: 'completed', job: 'done', subject: null, certified: true },
    error,
  );
  assert.deepEqual(await tracesOf(account.admin, [truthUser(51).id, truthUser(51).email]), []);
});

test('so it does where another erasure took the entries of the store over before', async () => {
  const id = await confirmed(52);
  const setBack = await waitingTime(52, id);
  await executeErasure({ ...account.means, sql }, id);
  await setBack();
  await eraseNow(account.means, truthUser(53).id);
  const [known] = await sql`select state, entry is not null as known from backup.erasure where erasure_id = ${id}`;
  assert.deepEqual({ ...known! }, { state: 'scheduled', known: true });
  await comeDue(id);
  await account.work();
  assert.equal((await stateOf(id)).state, 'completed');
  assert.deepEqual(await tracesOf(account.admin, [truthUser(52).id, truthUser(52).email]), []);
});

test('a job that came along with a restored backup ends at once where the restore has erased the person', async () => {
  const id = await confirmed(54);
  const setBack = await waitingTime(54, id);
  await executeErasure({ ...account.means, sql }, id);
  await setBack();
  const session = await account.means.openSession();
  try {
    const { entries } = await readErasureLedger(createDirectoryStore(out), { verificationKeys: null });
    const catalog = await readEraseCatalog((text) => session.query(text));
    await takeOverLedger(session, { entries, catalog });
  } finally {
    await session.close();
  }
  await comeDue(id);
  assert.equal(await account.work(10), 1);
  const { state, job, certified } = await stateOf(id);
  assert.deepEqual({ state, job, certified }, { state: 'completed', job: 'done', certified: false });
  assert.deepEqual(await executeErasure({ ...account.means, sql }, id), { state: 'completed elsewhere' });

  const environment = {
    DATABASE_URL: account.database.url,
    SUPABASE_URL: 'http://project.example',
    SUPABASE_SERVICE_ROLE_KEY: account.keys.serviceRoleKey,
  };
  const resume = ['--resume', id, '--yes', '--ledger', out];
  const words = await runScript('erase-subject.ts', resume, environment);
  assert.equal(words.code, 0, words.stderr);
  assert.match(words.stdout, /was completed in another database: there is no certificate here/);
  const json = await runScript('erase-subject.ts', [...resume, '--json'], environment);
  assert.deepEqual(JSON.parse(json.stdout), { erasure_id: id, completed_elsewhere: true, certificate: null });
});
