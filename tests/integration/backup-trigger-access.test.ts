import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SignJWT, UnsecuredJWT } from 'jose';
import { insertRun, startTrigger, type Trigger } from './backup-trigger-harness.ts';

let trigger: Trigger;
before(async () => {
  trigger = await startTrigger();
});
after(() => trigger?.close());

const LIST = '/backup-trigger/backups';

async function denials(): Promise<Record<string, unknown>[]> {
  return await trigger.sql`
    select event_category, severity, user_id, event_data from public.security_events_log
    where event_type = 'backup_access_denied' order by created_at, id`;
}

async function userToken(
  options: { secret?: string; expires?: string | number; subject?: string } = {},
): Promise<string> {
  return await new SignJWT({ role: 'authenticated', app_metadata: { role: 'admin' } })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(options.subject ?? trigger.userId('JWT_ADMIN'))
    .setIssuer('http://project.example/auth/v1')
    .setAudience('authenticated')
    .setIssuedAt()
    .setExpirationTime(options.expires ?? '1h')
    .sign(new TextEncoder().encode(options.secret ?? trigger.keys.jwtSecret));
}

test('the service key, a secret key and an admin are let in', async () => {
  const { serviceRoleKey, secretKey, anonKey } = trigger.keys;
  const accepted: Record<string, string>[] = [
    { apikey: serviceRoleKey },
    { apikey: secretKey },
    { authorization: `Bearer ${serviceRoleKey}` },
    { authorization: `Bearer ${trigger.tokens.JWT_ADMIN}` },
    { apikey: anonKey, authorization: `Bearer ${trigger.tokens.JWT_ADMIN}` },
  ];
  for (const headers of accepted) assert.equal((await trigger.call(LIST, { headers })).status, 200);
});

test('without credentials that are right the answer is 401 on every route, also on those that do not exist', async () => {
  const { anonKey, publishableKey } = trigger.keys;
  const forged = new UnsecuredJWT({ role: 'service_role', app_metadata: { role: 'admin' } })
    .setSubject(trigger.userId('JWT_ADMIN'))
    .setExpirationTime('1h')
    .encode();
  const refused: Record<string, Record<string, string>> = {
    none: {},
    'wrong key': { apikey: 'sb_secret_wrong' },
    'anon key': { apikey: anonKey },
    'anon key as Bearer': { apikey: anonKey, authorization: `Bearer ${anonKey}` },
    'publishable key': { apikey: publishableKey, authorization: `Bearer ${publishableKey}` },
    'expired token': { authorization: `Bearer ${await userToken({ expires: 1 })}` },
    'token of another secret': { authorization: `Bearer ${await userToken({ secret: 'x'.repeat(32) })}` },
    'token of a user who is gone': {
      authorization: `Bearer ${await userToken({ subject: '0a000000-0000-4000-8000-0000000000ff' })}`,
    },
    'alg none': { authorization: `Bearer ${forged}` },
    'alg none with a signature': { authorization: `Bearer ${forged}c2ln` },
    'part of the service key': { apikey: trigger.keys.serviceRoleKey.slice(0, -1) },
  };
  for (const [name, headers] of Object.entries(refused)) {
    for (const path of [LIST, '/backup-trigger/openapi.json', '/backup-trigger/nothing', '/']) {
      const { status, body, headers: answered } = await trigger.call(path, { headers });
      assert.equal(status, 401, `${name} ${path}`);
      assert.equal(body.error.code, 'UNAUTHENTICATED');
      assert.equal(answered.get('www-authenticate'), 'Bearer');
    }
  }
});

test('a user without the role admin is forbidden, whatever the token claims, and the log says who it was', async () => {
  const before = (await denials()).length;
  const claimsAdmin = await userToken({ subject: trigger.userId('JWT_USER') });
  const tokens = [trigger.tokens.JWT_DEVELOPER, trigger.tokens.JWT_SUPPORT, trigger.tokens.JWT_USER, claimsAdmin];
  for (const token of tokens) {
    const { status, body } = await trigger.call(LIST, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(status, 403);
    assert.equal(body.error.code, 'FORBIDDEN');
  }
  const recorded = (await denials()).slice(before);
  assert.equal(recorded.length, 4);
  assert.equal(recorded[0]?.user_id, trigger.userId('JWT_DEVELOPER'));
  assert.equal(recorded[0]?.event_category, 'data_access');
  assert.deepEqual(recorded[0]?.event_data, { reason: 'FORBIDDEN', method: 'GET', path: LIST });
});

test('a session that was ended loses access at once', async () => {
  const login = await trigger.admin`
    insert into auth.sessions (id, user_id) values (gen_random_uuid(), ${trigger.userId('JWT_ADMIN')}) returning id`;
  const token = await new SignJWT({ role: 'authenticated', session_id: login[0]?.id })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(trigger.userId('JWT_ADMIN'))
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(trigger.keys.jwtSecret));
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await trigger.call(LIST, { headers })).status, 200);
  await trigger.admin`delete from auth.sessions where id = ${login[0]?.id}`;
  assert.equal((await trigger.call(LIST, { headers })).status, 401);
});

test('refusals are recorded without the secret that was shown, and with a path that cannot break the row', async () => {
  const path = `/backup-trigger/%00${'x'.repeat(2000)}`;
  await trigger.call(path, {
    headers: { apikey: 'the-wrong-secret-key', authorization: 'Bearer secret1.secret2.secret3' },
  });
  const text = JSON.stringify(await denials()) + trigger.log.join('\n');
  assert.doesNotMatch(text, /the-wrong-secret-key|secret1/);
  assert.match(text, /UNAUTHENTICATED/);
});

test('a flood of strangers fills the log by 60 rows a minute and not more', async () => {
  const flood = await startTrigger();
  try {
    await Promise.all(Array.from({ length: 150 }, () => flood.call(LIST)));
    const [row] = await flood.sql`select count(*)::int as rows from public.security_events_log`;
    // The minute may turn over while the requests run.
    assert.ok(row!.rows >= 60 && row!.rows <= 120, `${row!.rows} rows`);
  } finally {
    await flood.close();
  }
});

test('a refusal stands when it cannot be recorded, and the function log says so', async () => {
  const broken = await startTrigger();
  try {
    await broken.sql`drop table public.security_events_log`;
    assert.equal((await broken.call(LIST)).status, 401);
    assert.match(broken.log.join('\n'), /refusal not recorded/);
  } finally {
    await broken.close();
  }
});

test('a download that cannot be recorded hands nothing out', async () => {
  const broken = await startTrigger();
  try {
    const id = await insertRun(broken.sql, { folder: 'manual/x/y', manifestSha256: 'ab' });
    await broken.sql`drop table public.security_events_log`;
    const { status, body } = await broken.get(`${LIST}/${id}/download`);
    assert.equal(status, 500);
    assert.equal(body.error.code, 'MIGRATIONS_MISSING');
  } finally {
    await broken.close();
  }
});
