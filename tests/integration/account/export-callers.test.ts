/** Exports under attack by those who call: tokens, paths, ranges, crowds, and clocks. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Account, startAccount } from './export-harness.ts';

let account: Account;
const user = () => account.tokens.JWT_USER!;
const other = () => account.tokens.JWT_ADMIN!;
const userId = () => account.userId('JWT_USER');

before(async () => {
  account = await startAccount();
});
after(() => account?.close());
beforeEach(async () => {
  await account.admin`truncate backup.account_export`;
  await account.admin`delete from backup.job`;
  await account.admin`delete from public.security_events_log`;
});

describe('callers', () => {
  const ready = async (): Promise<string> => {
    const response = await account.call('/account/export', { method: 'POST', token: user(), body: {} });
    const { export_id } = await response.json();
    await account.work();
    return export_id;
  };

  test('whose account is locked get nothing, whatever token they hold', async () => {
    const id = await ready();
    await account.admin`update auth.users set banned_until = now() + interval '1 day' where id = ${userId()}`;
    try {
      for (const [method, path] of [
        ['GET', '/account/export'],
        ['POST', '/account/export'],
        ['GET', `/account/export/${id}`],
        ['GET', `/account/export/${id}/download`],
        ['DELETE', `/account/export/${id}`],
      ] as const) {
        assert.equal((await account.call(path, { method, token: user() })).status, 403, `${method} ${path}`);
      }
    } finally {
      await account.admin`update auth.users set banned_until = null where id = ${userId()}`;
    }
    assert.equal((await account.call(`/account/export/${id}`, { token: user() })).status, 200);
  });

  test('with a token whose algorithm was changed, or that another secret signed, are refused', async () => {
    const [, payload] = user().split('.') as [string, string, string];
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const head of [{ alg: 'HS256' }, { alg: 'hs256' }, { alg: 'HS512' }, { alg: 'RS256' }, { alg: 'NONE' }, {}]) {
      for (const secret of ['', 'another-project-secret-of-32-characters', account.keys.anonKey]) {
        const signed = `${encode(head)}.${payload}`;
        const signature = createHmac('sha256', secret).update(signed).digest('base64url');
        for (const token of [`${signed}.${signature}`, `${signed}.`, `${signed}.${'A'.repeat(43)}`]) {
          assert.equal((await account.call('/account/export', { token })).status, 401, JSON.stringify(head));
        }
      }
    }
    for (const key of [account.keys.serviceRoleKey, account.keys.secretKey]) {
      for (const headers of [{ apikey: key }, { authorization: `Bearer ${key}` }]) {
        const both = { ...headers, ...('apikey' in headers ? { authorization: `Bearer ${user()}` } : {}) };
        assert.equal((await account.call('/account/export', { headers: both as Record<string, string> })).status, 403);
      }
    }
    assert.equal((await account.admin`select from backup.account_export`).length, 0);
  });

  test('who play tricks with paths, languages and formats find nothing and start nothing', async () => {
    const id = await ready();
    await account.admin`delete from public.security_events_log`;
    const tricks = [
      `/account/export//${id}`,
      `/account//export/${id}`,
      `/account/export/${id}//download`,
      `/account/export/${id}%00`,
      `/account/export/${id}%2fdownload`,
      `/account/export/%2e%2e%2f${id}`,
      `/account/export/${encodeURIComponent(`${id}' or '1'='1`)}`,
      `/account/export/${'a'.repeat(8000)}`,
      `/account/export/%ff%fe`,
      `/account/export/%`,
      `/account/export/{${id}}`,
      `/account/export/${id.replaceAll('-', '')}`,
    ];
    for (const path of tricks) {
      for (const token of [user(), other()]) {
        const { status } = await account.call(path, { token });
        assert.ok(status === 404 || status === 400, `${path.slice(0, 100)}: ${status}`);
      }
    }
    for (const query of [
      'format=exe',
      'format=zip&format=json',
      'lang=de&lang=en',
      'user_id=1',
      `lang=${'x'.repeat(36)}`,
      'lang=%00',
      'format=',
    ]) {
      assert.equal((await account.call(`/account/export?${query}`, { token: user() })).status, 400, query);
    }
    for (const body of [[], 'x', { format: 1 }, { format: 'zip', user_id: userId() }, { lang: ['de'] }]) {
      assert.equal((await account.call('/account/export', { method: 'POST', token: other(), body })).status, 400);
    }
    assert.equal((await account.call('/account/export', { method: 'HEAD', token: other() })).status, 405);
    assert.equal((await account.admin`select from backup.account_export`).length, 1);
    const languages = ['de'.repeat(5000), `${'de,'.repeat(3000)}`, 'de;q=', '\u00ff', ', ,;q=1', 'a'.repeat(100_000)];
    for (const accept of languages) {
      const headers = { 'accept-language': accept };
      assert.equal((await account.call(`/account/export/${id}`, { token: user(), headers })).status, 200);
    }
  });

  test('who ask for odd ranges get the whole, a part, or 416', async () => {
    const id = await ready();
    const get = async (range: string, headers = {}) => {
      const answer = await account.call(`/account/export/${id}/download`, {
        token: user(),
        headers: { range, ...headers },
      });
      return { status: answer.status, bytes: (await answer.arrayBuffer()).byteLength, headers: answer.headers };
    };
    const whole = await get('');
    assert.equal(whole.status, 200);
    const many = Array.from({ length: 500 }, (_, n) => `${n}-`).join(',');
    for (const range of [
      'bytes=0-1,0-1',
      `bytes=${many}`,
      'bytes=--1',
      'bytes=-',
      'bytes=a-b',
      'items=0-1',
      'bytes=1',
      'bytes=0x1-0x2',
    ]) {
      assert.deepEqual([(await get(range)).status, (await get(range)).bytes], [200, whole.bytes], range.slice(0, 50));
    }
    const nines = '9'.repeat(300);
    for (const range of [`bytes=${nines}-`, `bytes=${whole.bytes}-`, 'bytes=-0', `bytes=${nines}-${nines}`]) {
      assert.equal((await get(range)).status, 416, range.slice(0, 50));
    }
    assert.deepEqual(
      [(await get(`bytes=-${nines}`)).status, (await get(`bytes=0-${nines}`)).bytes],
      [206, whole.bytes],
    );
    const etag = whole.headers.get('etag')!;
    assert.equal((await get('bytes=0-0', { 'if-range': etag })).status, 206);
    assert.equal((await get('bytes=0-0', { 'if-range': '"another"' })).status, 200);
  });

  test('who come a hundred at a time: one deletion counts, and more exports than there are places wait in the queue', async () => {
    const id = await ready();
    const gone = await Promise.all(
      Array.from({ length: 100 }, () => account.call(`/account/export/${id}`, { method: 'DELETE', token: user() })),
    );
    assert.equal(gone.filter(({ status }) => status === 200).length, 1);
    assert.equal(gone.filter(({ status }) => status === 410).length, 99);
    await account.admin`truncate backup.account_export`;
    const users = Array.from({ length: 12 }, (_, n) => ({ id: crypto.randomUUID(), email: `crowd${n}@example.org` }));
    for (const one of users) {
      await account.admin`insert into auth.users (id, email, aud, role) values (${one.id}, ${one.email}, 'authenticated', 'authenticated')`;
    }
    const tokens = await Promise.all(users.map((one) => account.tokenFor(one)));
    const answers = await Promise.all(tokens.map((token) => account.call('/account/export', { token })));
    const at = (wanted: number) => answers.filter(({ status }) => status === wanted);
    assert.equal(at(200).length + at(202).length, 12);
    assert.ok(at(200).length >= 1 && at(200).length <= 3, `${at(200).length} at once`);
    await Promise.all(answers.map((answer) => answer.arrayBuffer()));
    await account.work();
    const states = await account.admin`select distinct state from backup.account_export order by 1`;
    assert.deepEqual(
      states.map(({ state }) => state),
      ['delivered', 'ready'],
    );
  });

  test('cannot tell by the time it takes whether an id is somebody else’s', { timeout: 240_000 }, async (t) => {
    const id = await ready();
    const measure = async (path: string) => {
      const begun = performance.now();
      const response = await account.call(path, { token: other() });
      await response.arrayBuffer();
      assert.equal(response.status, 404);
      return performance.now() - begun;
    };
    const times: Record<'foreign' | 'unknown', number[]> = { foreign: [], unknown: [] };
    for (let n = 0; n < 550; n++) {
      const turns = n % 2 === 0 ? (['foreign', 'unknown'] as const) : (['unknown', 'foreign'] as const);
      for (const which of turns) {
        const took = await measure(`/account/export/${which === 'foreign' ? id : crypto.randomUUID()}`);
        if (n >= 50) times[which].push(took);
      }
    }
    const quantile = (values: number[], share: number) =>
      [...values].sort((a, b) => a - b)[Math.floor(values.length * share)]!;
    const [foreign, unknown] = [quantile(times.foreign, 0.5), quantile(times.unknown, 0.5)];
    const spread = quantile(times.unknown, 0.75) - quantile(times.unknown, 0.25);
    t.diagnostic(
      `medians of 500: foreign ${foreign.toFixed(3)} ms, unknown ${unknown.toFixed(3)} ms, spread ${spread.toFixed(3)} ms`,
    );
    assert.ok(Math.abs(foreign - unknown) < spread, `${foreign} and ${unknown} ms differ by more than ${spread} ms`);
  });
});
