/** Downloads of exports that are ready: in ranges, many at once, and what the answers tell programs. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Account, openZip, startAccount } from './export-harness.ts';

let account: Account;
const user = () => account.tokens.JWT_USER!;
const other = () => account.tokens.JWT_ADMIN!;

before(async () => {
  account = await startAccount();
});
after(() => account?.close());
beforeEach(async () => {
  await account.admin`truncate backup.account_export`;
  await account.admin`delete from backup.job`;
  await account.admin`delete from public.security_events_log`;
  await account.removeFiles();
});

async function ready(token: string, body: object = {}): Promise<string> {
  const response = await account.call('/account/export', { method: 'POST', token, body });
  const { export_id } = await response.json();
  await account.work();
  return export_id;
}

const download = (id: string, token: string, headers: Record<string, string> = {}) =>
  account.call(`/account/export/${id}/download`, { token, headers });

describe('downloads', () => {
  test('the ranges that the status lists are the file, one after the other', async (t) => {
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const large = Buffer.concat(Array.from({ length: 1100 }, () => bytes));
    await account.upload(account.userId('JWT_USER'), { bucket: 'own', name: 'film.bin', bytes: large });
    const id = await ready(user());
    const status = await (await account.call(`/account/export/${id}`, { token: user() })).json();
    assert.equal(status.ranges.length, 2);
    const parts: Buffer[] = [];
    for (const range of status.ranges) {
      const part = await download(id, user(), { range });
      assert.equal(part.status, 206);
      parts.push(Buffer.from(await part.arrayBuffer()));
      assert.equal(part.headers.get('content-length'), String(parts.at(-1)!.length));
    }
    const whole = Buffer.concat(parts);
    assert.equal(whole.length, status.size_bytes);
    const zip = await openZip(whole, t);
    assert.deepEqual(zip.read('files/own/film.bin'), large);
  });

  test('two at once are enough for one user; who breaks one off may begin another, and others are not in the way', async () => {
    const [mine, theirs] = [await ready(user()), await ready(other())];
    const open = [await download(mine, user()), await download(mine, user(), { range: 'bytes=0-99' })];
    assert.deepEqual(
      open.map(({ status }) => status),
      [200, 206],
    );
    const refused = await download(mine, user());
    assert.equal(refused.status, 429);
    assert.equal((await refused.json()).error.code, 'DOWNLOAD_LIMIT');
    assert.equal(refused.headers.get('retry-after'), '5');
    const [event] = await account.admin`
      select event_data ->> 'reason' as reason from public.security_events_log where event_type = 'account_access_denied'`;
    assert.equal(event!.reason, 'DOWNLOAD_LIMIT');
    assert.equal(
      (await account.call(`/account/export/${mine}/download`, { method: 'HEAD', token: user() })).status,
      200,
    );
    const neighbour = await download(theirs, other());
    assert.equal(neighbour.status, 200);
    assert.ok((await neighbour.arrayBuffer()).byteLength > 0);
    await open[1]!.body!.cancel();
    const next = await download(mine, user());
    assert.equal(next.status, 200);
    // Read to its end it leaves its place too.
    await next.arrayBuffer();
    await open[0]!.arrayBuffer();
    for (let n = 0; n < 5; n++) await (await download(mine, user())).arrayBuffer();
  });

  test('a download that the store breaks off leaves its place', async () => {
    const id = await ready(user());
    for await (const { key } of account.store.list(`exports/${id}/`)) await account.store.delete(key);
    for (let n = 0; n < 5; n++) {
      const broken = await download(id, user());
      assert.equal(broken.status, 200);
      await assert.rejects(broken.arrayBuffer());
    }
  });

  test('pages of any origin can go on with a range, and nothing on the way may compress the file', async () => {
    const id = await ready(user(), { format: 'json' });
    const preflight = await account.call(`/account/export/${id}/download`, { method: 'OPTIONS' });
    assert.equal(preflight.status, 204);
    assert.match(preflight.headers.get('access-control-allow-headers')!, /\bif-range\b/);
    const answer = await download(id, user());
    await answer.arrayBuffer();
    const exposed = answer.headers.get('access-control-expose-headers')!.split(', ');
    for (const name of ['content-range', 'accept-ranges', 'content-length', 'etag', 'retry-after'])
      assert.ok(exposed.includes(name), name);
    assert.equal(answer.headers.get('cache-control'), 'no-store, no-transform');
    assert.equal(
      (await account.call(`/account/export/${id}`, { token: user() })).headers.get('cache-control'),
      'no-store',
    );
  });

  test('refusals say what the status asks for, in words for users', async () => {
    const id = await ready(user());
    const head = await account.call('/account/export', { method: 'HEAD', token: user() });
    assert.equal(head.status, 405);
    assert.equal(head.headers.get('allow'), 'GET, POST');
    const { size_bytes } = await (await account.call(`/account/export/${id}`, { token: user() })).json();
    const beyond = await download(id, user(), { range: `bytes=${size_bytes}-` });
    assert.equal(beyond.status, 416);
    assert.equal(beyond.headers.get('content-range'), `bytes */${size_bytes}`);
    for (const token of [undefined, 'x.y.z', 'nonsense']) {
      const stranger = await account.call('/account/export', { token });
      assert.equal(stranger.status, 401);
      assert.equal(stranger.headers.get('www-authenticate'), 'Bearer');
      const { error } = await stranger.json();
      assert.match(error.hint, /^Sign in/);
      assert.doesNotMatch(error.hint, /service key|admin/);
    }
    const nowhere = await account.call('/account/nowhere', { token: user() });
    assert.match((await nowhere.json()).error.hint, /openapi\.json/);
  });
});
