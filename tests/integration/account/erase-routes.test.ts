/** Erasures as users ask for them: token, time to think again, cancelling, and what strangers learn, which is nothing. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Sql } from 'postgres';
import { signJwt } from '../../../scripts/dev/stack/api-keys.ts';
import { userClaims } from '../../../scripts/dev/stack/auth-api.ts';
import { executeErasure } from '../../../supabase/functions/_shared/account/erase/execute-erasure.ts';
import { installSubjectTruthSet, truthUser } from '../../support/subject-truth-set.ts';
import { eraseNow, tracesOf, unblockTruthSet } from './erase-harness.ts';
import { type Account, startAccount } from './export-harness.ts';

let account: Account;
let sql: Sql;

before(async () => {
  account = await startAccount();
  sql = account.sql as unknown as Sql;
  await installSubjectTruthSet(account.database.url);
  await unblockTruthSet(sql);
});

after(async () => {
  await account.close();
});

beforeEach(async () => {
  await sql`delete from backup.setting where name = 'erasure_requests_per_day'`;
  await sql`update backup.setting set value = '72' where name = 'erasure_cool_off_hours'`;
});

/** A token of a session that began so long ago. */
async function signIn(n: number, minutesAgo = 0): Promise<string> {
  const user = truthUser(n);
  const [session] = await account.admin`
    insert into auth.sessions (id, user_id, created_at, updated_at, aal)
    values (gen_random_uuid(), ${user.id}, now() - make_interval(mins => ${minutesAgo}), now(), 'aal1') returning id`;
  const claims = { ...userClaims({ ...user, raw_app_meta_data: {}, raw_user_meta_data: {} }), session_id: session!.id };
  return await signJwt(claims, {
    jwtSecret: account.keys.jwtSecret,
    issuer: 'http://project.example/auth/v1',
    lifetime: '1h',
  });
}

/** As when the time to think again is over. */
async function comeDue(id: string): Promise<void> {
  await sql`update backup.erasure set due_at = now() where erasure_id = ${id}`;
  await sql`update backup.job set not_before = now() where subject = ${id}`;
}

async function post(path: string, token: string, body: unknown = {}) {
  const response = await account.call(`/account/erase${path}`, { method: 'POST', token, body });
  return { status: response.status, body: await response.json() };
}

const events = async (type: string, erasureId: string) =>
  (
    await sql`select count(*)::int as n from public.security_events_log
    where event_type = ${type} and event_data ->> 'erasure_id' = ${erasureId}`
  )[0]!.n as number;

test('asked for, confirmed, executed when its time has come; the receipt opens the certificate, the sign-in is over', async () => {
  const user = truthUser(1);
  const token = await signIn(1);
  const asked = await post('', token, { reason: 'no more' });
  assert.equal(asked.status, 201, JSON.stringify(asked.body));
  assert.equal(asked.body.state, 'planned');
  const addresses = asked.body.plan.tables.find((one: { table: string }) => one.table === 'public.addresses');
  assert.deepEqual([addresses.action, addresses.rows], ['delete', 1]);
  const invoices = asked.body.plan.tables.find((one: { table: string }) => one.table === 'public.invoices');
  assert.equal(invoices.keep_reason, 'Tax law: invoices are kept for eight years');
  const id = asked.body.erasure_id as string;
  const confirmed = await post(`/${id}/confirm`, token, { token: asked.body.token });
  assert.equal(confirmed.status, 200, JSON.stringify(confirmed.body));
  const waitHours = (Date.parse(confirmed.body.due_at) - Date.now()) / 3_600_000;
  assert.ok(waitHours > 71.9 && waitHours <= 72);
  assert.equal(await account.work(), 0, 'not before its time');
  await comeDue(id);
  assert.ok((await account.work()) >= 1);
  const [row] =
    await sql`select state, subject_id, stored_at is not null as stored from backup.erasure where erasure_id = ${id}`;
  assert.deepEqual({ ...row! }, { state: 'completed', subject_id: null, stored: true });
  assert.deepEqual(await tracesOf(account.admin, [user.id, `"${user.email}"`]), []);
  assert.equal((await account.call(`/account/erase/${id}`, { token })).status, 401);
  const certificate = await account.call(`/account/erase/${id}/certificate`, { token: confirmed.body.receipt });
  assert.equal(certificate.status, 200);
  assert.equal((await certificate.json()).certificate.account, 'deleted');
  const page = await account.call(`/account/erase/${id}/certificate`, {
    token: confirmed.body.receipt,
    headers: { accept: 'text/html' },
  });
  assert.match(await page.text(), /<h1>Certificate of erasure<\/h1>/);
  assert.equal((await account.call(`/account/erase/${id}/certificate`, { token: 'f'.repeat(64) })).status, 404);
  for (const type of ['requested', 'confirmed', 'begun', 'completed'])
    assert.equal(await events(`account_erasure_${type}`, id), 1, type);
  const keys: string[] = [];
  for await (const { key } of account.store.list('erasures/')) keys.push(key);
  assert.ok(keys.some((key) => key.endsWith(`/${id}.json`)));
});

test('links are those of the domain that users come by', async () => {
  await sql`insert into backup.setting (name, value) values ('account_public_url', '"https://app.example/api/account/"')
    on conflict (name) do update set value = excluded.value`;
  try {
    const token = await signIn(40);
    const asked = await post('', token);
    const confirmed = await post(`/${asked.body.erasure_id}/confirm`, token, { token: asked.body.token });
    assert.equal(
      confirmed.body.certificate_url,
      `https://app.example/api/account/erase/${asked.body.erasure_id}/certificate`,
    );
    const started = await account.call('/account/export', { method: 'POST', token, body: {} });
    assert.match((await started.json()).status_url, /^https:\/\/app\.example\/api\/account\/export\//);
    assert.equal((await post(`/${asked.body.erasure_id}/cancel`, token)).status, 200);
  } finally {
    await sql`delete from backup.setting where name = 'account_public_url'`;
  }
});

test('the time to think again is a setting', async () => {
  await sql`update backup.setting set value = '0' where name = 'erasure_cool_off_hours'`;
  const token = await signIn(2);
  const asked = await post('', token);
  await post(`/${asked.body.erasure_id}/confirm`, token, { token: asked.body.token });
  await account.work();
  const [row] = await sql`select state from backup.erasure where erasure_id = ${asked.body.erasure_id}`;
  assert.equal(row!.state, 'completed');
});

test('a sign-in that is too old, or a token without a session, does not erase; a second factor counts', async () => {
  const old = await signIn(3, 30);
  const refused = await post('', old);
  assert.deepEqual([refused.status, refused.body.error.code], [403, 'SIGN_IN_TOO_OLD']);
  const bare = await account.tokenFor(truthUser(3));
  assert.equal((await post('', bare)).body.error.code, 'SIGN_IN_TOO_OLD');
  const session = JSON.parse(Buffer.from(old.split('.')[1]!, 'base64url').toString()).session_id;
  await account.admin`insert into auth.mfa_amr_claims values (${session}, now() - interval '1 hour', now(), 'totp', gen_random_uuid())`;
  assert.equal((await post('', old)).status, 201);
});

test('wrong tokens, old tokens and those of others confirm nothing; five wrong ones end the request', async () => {
  const token = await signIn(5);
  const asked = await post('', token);
  const path = `/${asked.body.erasure_id}/confirm`;
  const others = await post('', await signIn(6));
  for (let attempt = 1; attempt <= 5; attempt++) {
    const wrong = await post(path, token, { token: others.body.token });
    assert.deepEqual([wrong.status, wrong.body.error.code], [403, 'ERASURE_TOKEN_REFUSED']);
  }
  const late = await post(path, token, { token: asked.body.token });
  assert.deepEqual([late.status, late.body.error.code], [409, 'ERASURE_NOT_OPEN']);
  const again = await post('', token);
  await sql`update backup.erasure set token_expires_at = now() where erasure_id = ${again.body.erasure_id}`;
  const expired = await post(`/${again.body.erasure_id}/confirm`, token, { token: again.body.token });
  assert.equal(expired.body.error.code, 'ERASURE_TOKEN_REFUSED');
  const shown = await account.call(`/account/erase/${again.body.erasure_id}`, { token });
  assert.equal((await shown.json()).state, 'expired');
});

test("another's erasure is as unknown as one that never was, on every route", async () => {
  const asked = await post('', await signIn(7));
  const stranger = await signIn(8);
  for (const id of [asked.body.erasure_id, crypto.randomUUID()]) {
    const answers = [
      await post(`/${id}/confirm`, stranger, { token: asked.body.token }),
      await post(`/${id}/cancel`, stranger),
      await account
        .call(`/account/erase/${id}`, { token: stranger })
        .then(async (one) => ({ status: one.status, body: await one.json() })),
    ];
    for (const { status, body } of answers)
      assert.deepEqual([status, body.error.code, body.error.message], [404, 'NOT_FOUND', 'you have no such erasure']);
  }
});

test('cancelled until it begins, and never after', async () => {
  const token = await signIn(10);
  const asked = await post('', token);
  const path = `/${asked.body.erasure_id}`;
  await post(`${path}/confirm`, token, { token: asked.body.token });
  const second = await post('', token);
  assert.deepEqual([second.status, second.body.error.code], [409, 'ERASURE_OPEN']);
  assert.equal((await post(`${path}/cancel`, token)).status, 200);
  await comeDue(asked.body.erasure_id);
  assert.equal(await account.work(), 0);
  assert.equal((await post(`${path}/cancel`, token)).body.error.code, 'ERASURE_NOT_OPEN');
  const [user] = await account.admin`select count(*)::int as n from auth.users where id = ${truthUser(10).id}`;
  assert.equal(user!.n, 1);
  assert.equal(await events('account_erasure_cancelled', asked.body.erasure_id), 1);
});

test('a plan that is not the confirmed one any more is refused, the person can sign in again, and operators hear of it', async () => {
  const token = await signIn(11);
  const asked = await post('', token);
  await post(`/${asked.body.erasure_id}/confirm`, token, { token: asked.body.token });
  await sql`update backup.subject_source set erase = 'delete', keep_reason = null, keep_for = null where table_name = 'invoice_line_taxes'`;
  await comeDue(asked.body.erasure_id);
  await account.work();
  const [row] = await sql`select state, error from backup.erasure where erasure_id = ${asked.body.erasure_id}`;
  assert.deepEqual([row!.state, row!.error.code], ['refused', 'ERASURE_PLAN_CHANGED']);
  const [user] = await account.admin`select banned_until from auth.users where id = ${truthUser(11).id}`;
  assert.equal(user!.banned_until, null);
  const [alert] =
    await sql`select severity from public.system_health_alerts where alert_type = 'account_erasure_refused'`;
  assert.equal(alert!.severity, 'high');
  await sql`update backup.subject_source set erase = 'keep', keep_reason = 'Tax law', keep_for = '8 years' where table_name = 'invoice_line_taxes'`;
});

test('more rows than planned are no other plan', async () => {
  const token = await signIn(12);
  const asked = await post('', token);
  await post(`/${asked.body.erasure_id}/confirm`, token, { token: asked.body.token });
  await account.admin`insert into public.addresses (user_id, street) values (${truthUser(12).id}, 'new')`;
  await comeDue(asked.body.erasure_id);
  await account.work();
  const [row] = await sql`select state, error from backup.erasure where erasure_id = ${asked.body.erasure_id}`;
  assert.equal(row!.state, 'completed', JSON.stringify(row!.error));
});

test('a day has so many requests, and no more', async () => {
  await sql`insert into backup.setting (name, value) values ('erasure_requests_per_day', '2') on conflict (name) do update set value = '2'`;
  const token = await signIn(14);
  assert.equal((await post('', token)).status, 201);
  assert.equal((await post('', token)).status, 201);
  const third = await post('', token);
  assert.deepEqual([third.status, third.body.error.code], [429, 'ERASURE_LIMIT']);
});

test('stopped after any step it goes on, does nothing twice, and leaves nothing', async () => {
  const steps = ['ledger', 'store', 'files', 'rows', 'account'];
  for (const [at, stop] of steps.entries()) {
    const user = truthUser(20 + at);
    await account.upload(user.id, {
      bucket: 'documents',
      name: `${user.id}/real.txt`,
      bytes: new Uint8Array([1, 2, 3]),
    });
    const asked = await post('', await signIn(20 + at));
    const id = asked.body.erasure_id as string;
    await post(`/${id}/confirm`, await signIn(20 + at), { token: asked.body.token });
    await comeDue(id);
    const died = new Error('the worker died');
    await assert.rejects(
      executeErasure({ ...account.means, sql }, id, {
        onStep: (step) => {
          if (step === stop) throw died;
        },
      }),
      died,
    );
    const executed = await executeErasure({ ...account.means, sql }, id);
    assert.equal(executed.state, 'completed', stop);
    const { certificate } = executed as Extract<typeof executed, { state: 'completed' }>;
    assert.equal(certificate.account, 'deleted', stop);
    assert.ok(certificate.files.count >= 1, stop);
    const again = await executeErasure({ ...account.means, sql }, id);
    assert.deepEqual(again, executed);
    assert.deepEqual(await tracesOf(account.admin, [user.id, `"${user.email}"`]), []);
    await sql`update backup.job set not_before = now() where subject = ${id}`;
  }
  await account.work();
  const [failed] =
    await sql`select count(*)::int as n from backup.job where state = 'failed' and kind = 'account_erase' and error ->> 'code' <> 'ERASURE_PLAN_CHANGED'`;
  assert.equal(failed!.n, 0);
  const positions =
    await sql`select position::int as n, entry_sha256, entry::jsonb ->> 'previous_sha256' as previous from backup.erasure where position is not null order by 1`;
  for (const [at, one] of positions.entries()) {
    assert.equal(one.n, at + 1);
    assert.equal(one.previous, at === 0 ? null : positions[at - 1]!.entry_sha256);
  }
});

test('backups older than the erasure are recorded with the day by which they must be gone', async () => {
  const backup = 'manual_20260114_020000_9f3c11ab';
  await sql`insert into public.backup_log (backup_id, backup_type, started_at, status, stage) values (${backup}, 'manual', now() - interval '1 day', 'completed', 'done')`;
  const id = await eraseNow(account.means, truthUser(30).id);
  const [row] = await sql`
    select must_end_by - e.rows_erased_at = interval '365 days' as exact from backup.erased_in_backup b join backup.erasure e using (erasure_id)
    where backup_id = ${backup} and erasure_id = ${id}`;
  assert.equal(row!.exact, true);
  assert.equal((await sql`select * from backup.backups_overdue_for_erasure()`).length, 0);
  await sql`update backup.erased_in_backup set must_end_by = now() - interval '1 day'`;
  const [overdue] = await sql`select backup_id, erasures::int from backup.backups_overdue_for_erasure()`;
  assert.deepEqual({ ...overdue! }, { backup_id: backup, erasures: 1 });
});

test('open requests stand in backup.subject_requests() with their due date, thirty days after the request', async () => {
  const token = await signIn(31);
  const asked = await post('', token);
  await post(`/${asked.body.erasure_id}/confirm`, token, { token: asked.body.token });
  const [row] = await sql`
    select due_at - requested_at = interval '30 days' as exact, state from backup.subject_requests()
    where kind = 'erasure' and request_id = ${asked.body.erasure_id}`;
  assert.deepEqual({ ...row! }, { exact: true, state: 'scheduled' });
});
