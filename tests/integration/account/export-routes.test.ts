/** Exports over HTTP: who gets what, when, and what is written down about it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { decodeJwt, SignJWT } from 'jose';
import { METADATA_SCHEMA } from '../../../supabase/functions/_shared/account/export/metadata-schema.ts';
import { type Account, openZip, startAccount } from './export-harness.ts';

let account: Account;
const user = () => account.tokens.JWT_USER!;
const userId = () => account.userId('JWT_USER');

before(async () => {
  account = await startAccount();
  const { admin } = account;
  await admin`create table public.notes (id bigint primary key, author uuid, body text, amount numeric(30, 10))`;
  await admin`insert into public.notes
    select n, case when n % 2 = 0 then ${userId()}::uuid else ${account.userId('JWT_ADMIN')}::uuid end,
           'note ' || n, 12345678901234567890.0123456789 from generate_series(1, 100) n`;
  await admin`grant select on public.notes to postgres`;
  await admin`insert into backup.subject_source (schema_name, table_name, decision, category, paths)
    values ('public', 'notes', 'mapped', 'messages',
      '[[{"columns": ["author"], "to": {"schema": "auth", "table": "users", "columns": ["id"]}}]]')`;
});
after(() => account?.close());
beforeEach(async () => {
  await account.admin`truncate backup.account_export`;
  await account.admin`delete from backup.job`;
  await account.admin`delete from public.security_events_log`;
  await account.removeFiles();
});

const events = async () =>
  (await account.admin`select event_type from public.security_events_log order by created_at`).map(
    (row) => row.event_type,
  );
const setting = async (name: string, value: number) => {
  const [row] = await account.admin`select value from backup.setting where name = ${name}`;
  await account.admin`update backup.setting set value = ${account.admin.json(value)} where name = ${name}`;
  return async () => {
    await account.admin`update backup.setting set value = ${row!.value} where name = ${name}`;
  };
};

test('a small account gets its ZIP at once: exactly its rows, hashes that are right, metadata that keeps its schema', async (t) => {
  await account.upload(userId(), { bucket: 'photos', name: 'Ünïcode/日本.txt', bytes: Buffer.from('hello') });
  const response = await account.call('/account/export', { token: user() });
  assert.equal(response.status, 200, await response.clone().text());
  assert.match(
    response.headers.get('content-disposition')!,
    /^attachment; filename="personal-data-\d{4}-\d\d-\d\d\.zip"$/,
  );
  const zip = await openZip(new Uint8Array(await response.arrayBuffer()), t);
  const notes = zip.json('data/messages.json')['public.notes'];
  assert.equal(notes.length, 50);
  assert.match(zip.read('data/messages.json').toString(), /"amount":12345678901234567890\.0123456789/);
  assert.ok(zip.names.includes('files/photos/Ünïcode/日本.txt'));
  assert.equal(zip.read('files/photos/Ünïcode/日本.txt').toString(), 'hello');
  const metadata = zip.json('metadata.json');
  assert.equal(new Ajv2020({ strict: false, validateFormats: false }).validate(METADATA_SCHEMA, metadata), true);
  for (const { path, sha256, size } of metadata.files) {
    const bytes = zip.read(path);
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256, path);
    assert.equal(bytes.length, size, path);
  }
  assert.deepEqual(
    new Set(metadata.files.map((file: { path: string }) => file.path)),
    new Set(zip.names.filter((name) => name !== 'metadata.json')),
  );
  assert.equal(zip.json('files.json')[0].name, 'Ünïcode/日本.txt');
  await account.work();
  assert.deepEqual(await events(), ['account_export_requested', 'account_export_downloaded']);
  const [row] = await account.admin`select state, row_count, size_bytes from backup.account_export`;
  assert.equal(row!.state, 'delivered');
});

test('?format=json is one document that jq reads', async () => {
  const response = await account.call('/account/export?format=json', { token: user() });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type')!, /^application\/json/);
  const document = JSON.parse(await response.text());
  assert.equal(document.data.messages['public.notes'].length, 50);
  assert.equal(document.metadata.format, 'holdfast-personal-data');
  assert.ok(Array.isArray(document.files));
});

test('a second export on the same day is refused with the time to wait, and a failed one does not count', async () => {
  await account.admin`insert into backup.account_export (user_id, way, state, format) values (${userId()}, 'stream', 'failed', 'zip')`;
  await (await account.call('/account/export', { token: user() })).arrayBuffer();
  const refused = await account.call('/account/export', { token: user() });
  assert.equal(refused.status, 429);
  const wait = Number(refused.headers.get('retry-after'));
  assert.ok(wait > 86_000 && wait <= 86_400, String(wait));
  assert.equal((await refused.json()).error.code, 'EXPORT_LIMIT');
  assert.ok((await events()).includes('account_access_denied'));
});

test('of 100 requests at once one starts an export', async () => {
  const starts = Array.from({ length: 100 }, () =>
    account.call('/account/export', { method: 'POST', token: user(), body: {} }),
  );
  const answers = await Promise.all(starts);
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [202]);
  const ids = new Set((await Promise.all(answers.map((answer) => answer.json()))).map(({ export_id }) => export_id));
  assert.equal(ids.size, 1);
  assert.equal((await account.admin`select from backup.account_export`).length, 1);
  assert.equal((await account.admin`select from backup.job where kind = 'account_export'`).length, 1);
});

test('of 100 small exports at once one is sent', async () => {
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => account.call('/account/export', { token: user() })),
  );
  const statuses = answers.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, 1);
  assert.equal(statuses.filter((status) => status === 429).length, 99);
  await Promise.all(answers.map((answer) => answer.arrayBuffer()));
});

describe('a large account', () => {
  let reset: (() => Promise<void>)[] = [];
  before(async () => {
    reset = [await setting('account_export_stream_rows', 10), await setting('account_export_slice_bytes', 65_536)];
  });
  after(() => Promise.all(reset.map((undo) => undo())));

  const start = async () => {
    const response = await account.call('/account/export', { token: user() });
    assert.equal(response.status, 202, await response.clone().text());
    return await response.json();
  };
  const path = (url: string) => url.replace('/functions/v1', '');

  test('is answered 202, made in slices, and downloaded whole and in ranges by its owner', async (t) => {
    for (let n = 0; n < 4; n++) {
      await account.upload(userId(), { bucket: 'big', name: `f${n}.bin`, bytes: Buffer.alloc(300_000, n) });
    }
    const bytesOfLarge = Buffer.from(Array.from({ length: 9_000_000 }, (_, n) => (n * 7 + (n >> 8)) & 255));
    await account.upload(userId(), { bucket: 'big', name: 'large.bin', bytes: bytesOfLarge });
    const undo = await setting('account_export_slice_bytes', 1_000_000);
    const { export_id, status_url, download_url } = await start();
    assert.equal((await (await account.call(path(status_url), { token: user() })).json()).state, 'pending');
    assert.equal((await account.call(path(download_url), { token: user() })).status, 409);
    const slices = await account.work();
    await undo();
    assert.ok(slices > 5, `${slices} slices: ${account.log.join('\n')}`);
    const status = await (await account.call(path(status_url), { token: user() })).json();
    assert.equal(status.state, 'ready', JSON.stringify(status) + account.log.join('\n'));
    const days = (Date.parse(status.expires_at) - Date.now()) / 86_400_000;
    assert.ok(days > 4.99 && days <= 5);
    const whole = await account.call(path(download_url), { token: user() });
    assert.equal(whole.status, 200);
    const bytes = new Uint8Array(await whole.arrayBuffer());
    assert.equal(bytes.length, status.size_bytes);
    assert.equal(whole.headers.get('content-length'), String(bytes.length));
    const zip = await openZip(bytes, t);
    assert.equal(zip.json('data/messages.json')['public.notes'].length, 50);
    assert.ok(zip.read('files/big/large.bin').equals(bytesOfLarge));
    const named = zip.json('metadata.json').files.find((file: { path: string }) => file.path === 'files/big/large.bin');
    assert.equal(named.sha256, createHash('sha256').update(bytesOfLarge).digest('hex'));
    for (const [from, to] of [
      [0, 0],
      [1, 300_000],
      [262_143, 262_145],
      [bytes.length - 1, bytes.length - 1],
      [5_000_000, 8_000_000],
    ] as const) {
      const range = await account.call(path(download_url), {
        token: user(),
        headers: { range: `bytes=${from}-${to}` },
      });
      assert.equal(range.status, 206);
      assert.equal(range.headers.get('content-range'), `bytes ${from}-${to}/${bytes.length}`);
      assert.deepEqual(Buffer.from(await range.arrayBuffer()), Buffer.from(bytes.subarray(from, to + 1)));
    }
    const beyond = await account.call(path(download_url), {
      token: user(),
      headers: { range: `bytes=${bytes.length}-` },
    });
    assert.equal(beyond.status, 416);
    const head = await account.call(path(download_url), { token: user(), method: 'HEAD' });
    assert.equal(head.headers.get('content-length'), String(bytes.length));
    const stored = [];
    for await (const { key } of account.store.list(`exports/${export_id}/`))
      stored.push(await account.store.getBytes(key));
    assert.ok(stored.length > 5);
    assert.equal(Buffer.concat(stored).includes('note 2'), false);
    // Nothing of the data stays in the queue.
    assert.deepEqual(
      [...(await account.admin`select progress, result ? 'layout' as l from backup.job where kind = 'account_export'`)],
      [{ progress: {}, l: false }],
    );
  });

  test('expires: the key goes at once, then the parts, and nobody can download it', async () => {
    const { export_id, download_url, status_url } = await start();
    await account.work();
    await account.admin`update backup.account_export set expires_at = now() - interval '1 second'`;
    assert.equal((await account.call(path(download_url), { token: user() })).status, 410);
    await account.admin`select backup.tick_account_exports()`;
    const [row] = await account.admin`select state, key, layout from backup.account_export`;
    assert.deepEqual({ ...row }, { state: 'expired', key: null, layout: null });
    await account.admin`update backup.job set not_before = now() where state = 'pending'`;
    await account.work();
    for await (const { key } of account.store.list(`exports/${export_id}/`)) assert.fail(key);
    assert.ok((await account.admin`select deleted_at from backup.account_export`)[0]!.deleted_at);
    assert.equal((await (await account.call(path(status_url), { token: user() })).json()).state, 'expired');
    assert.ok((await events()).includes('account_export_expired'));
  });

  test("is nobody else's: another user's id is answered as one that never was, byte for byte", async () => {
    const { export_id } = await start();
    await account.work();
    for (const [method, suffix] of [
      ['GET', ''],
      ['GET', '/download'],
      ['DELETE', ''],
    ] as const) {
      const other = await account.call(`/account/export/${export_id}${suffix}`, {
        method,
        token: account.tokens.JWT_ADMIN!,
      });
      const unknown = await account.call(`/account/export/${crypto.randomUUID()}${suffix}`, {
        method,
        token: account.tokens.JWT_ADMIN!,
      });
      const nonsense = await account.call(`/account/export/..%2f..${suffix}`, {
        method,
        token: account.tokens.JWT_ADMIN!,
      });
      assert.deepEqual([other.status, unknown.status, nonsense.status], [404, 404, 404]);
      const texts = [await other.text(), await unknown.text(), await nonsense.text()];
      assert.equal(new Set(texts).size, 1);
    }
    assert.equal((await account.admin`select state from backup.account_export`)[0]!.state, 'ready');
  });

  test('is cancelled by its owner, before and after it is ready', async () => {
    const first = await start();
    assert.equal((await account.call(path(first.status_url), { method: 'DELETE', token: user() })).status, 200);
    assert.equal((await account.admin`select state, key from backup.account_export`)[0]!.key, null);
    assert.equal((await account.call(path(first.status_url), { method: 'DELETE', token: user() })).status, 410);
    await account.admin`truncate backup.account_export`;
    const second = await start();
    await account.work();
    assert.equal((await account.call(path(second.status_url), { method: 'DELETE', token: user() })).status, 200);
    assert.equal((await account.call(path(second.download_url), { token: user() })).status, 410);
    assert.equal(
      (await account.admin`select from backup.job where kind = 'account_export_deletion' and state = 'pending'`).length,
      2,
    );
  });

  test('goes on after a worker died, and a dead worker that comes back changes nothing', async (t) => {
    for (let n = 0; n < 4; n++)
      await account.upload(userId(), { bucket: 'b', name: `${n}`, bytes: Buffer.alloc(100_000, n) });
    const { download_url } = await start();
    await account.work(1);
    const { JobLedger } = await import('../../../supabase/functions/_shared/runs/job-ledger.ts');
    const ledger = new JobLedger(account.sql as never, 'account');
    const dead = await ledger.claim('dead');
    assert.ok(dead, account.log.join('\n'));
    await account.admin`update backup.job set lease_until = now() - interval '1 second' where id = ${dead.id}`;
    await account.admin`select backup.tick_jobs()`;
    await account.admin`update backup.job set not_before = now() where state = 'pending'`;
    await account.work();
    await assert.rejects(ledger.continue(dead, { broken: true }, 0), { code: 'LEASE_LOST' });
    const response = await account.call(path(download_url), { token: user() });
    assert.equal(
      response.status,
      200,
      await response
        .clone()
        .text()
        .catch(() => ''),
    );
    const zip = await openZip(new Uint8Array(await response.arrayBuffer()), t);
    assert.equal(zip.json('data/messages.json')['public.notes'].length, 50);
  });

  test('stands among the open requests with its legal due date until it is ready', async () => {
    await start();
    const [row] =
      await account.admin`select kind, state, due_at - requested_at = interval '30 days' as in_time, overdue from backup.subject_requests()`;
    assert.deepEqual({ ...row }, { kind: 'export', state: 'pending', in_time: true, overdue: false });
    await account.work();
    assert.equal((await account.admin`select from backup.subject_requests() where kind = 'export'`).length, 0);
  });
});

describe('nobody gets in with', () => {
  const b64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const refused = async (name: string, token: string) => {
    const response = await account.call('/account/export', { token });
    assert.equal(response.status, 401, name);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer');
    assert.equal((await account.admin`select from backup.account_export`).length, 0);
  };
  test('no token, a tampered or expired one, alg none, or one of another project', async () => {
    assert.equal((await account.call('/account/export')).status, 401);
    const [head, payload, signature] = user().split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    await refused('tampered', `${head}.${b64({ ...claims, sub: account.userId('JWT_ADMIN') })}.${signature}`);
    await refused('alg none', `${b64({ alg: 'none', typ: 'JWT' })}.${payload}.`);
    await refused('alg none with a signature', `${b64({ alg: 'none', typ: 'JWT' })}.${payload}.${signature}`);
    await refused('expired', await account.tokenFor({ id: userId(), email: 'user@example.org' }, '-1s'));
    const foreign = new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h');
    await refused('another project', await foreign.sign(Buffer.from('the-secret-of-another-project-32-chars')));
    assert.ok((await events()).every((type) => type === 'account_access_denied'));
    assert.equal((await events()).length, 7 - 1);
  });

  test('the service key, which is no person', async () => {
    const response = await account.call('/account/export', { headers: { apikey: account.keys.serviceRoleKey } });
    assert.equal(response.status, 403);
  });

  test('the token of a deleted user or a session that was ended', async () => {
    const id = crypto.randomUUID();
    await refused('deleted', await account.tokenFor({ id, email: 'gone@example.org' }));
    const sign = (claims: object) =>
      new SignJWT({ ...decodeJwt(user()), ...claims })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(Buffer.from(account.keys.jwtSecret));
    assert.equal((await account.call('/account/openapi.json', { token: await sign({}) })).status, 200);
    await refused('session', await sign({ session_id: crypto.randomUUID() }));
  });
});

test('openapi.json describes the routes', async () => {
  const document = await (await account.call('/account/openapi.json', { token: user() })).json();
  assert.ok(document.paths['/account/export'].get);
  assert.ok(document.paths['/account/export/{id}/download'].get);
  assert.deepEqual(Object.keys(document.components.securitySchemes), ['accessToken']);
});
