import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createAuthenticator } from '../../../supabase/functions/_shared/http/authenticate.ts';

const USER_ID = '0a000000-0000-4000-8000-000000000009';
const TOKEN = 'e30.e30.c2ln';

/** An Auth server that answers as told, and what it was asked. */
async function withAuth(
  answer: (response: ServerResponse) => void,
  work: (
    authenticate: ReturnType<typeof createAuthenticator>,
    asked: { url?: string; headers: IncomingHttpHeaders }[],
  ) => Promise<void>,
): Promise<void> {
  const asked: { url?: string; headers: IncomingHttpHeaders }[] = [];
  const server = createServer((request, response) => {
    asked.push({ url: request.url, headers: request.headers });
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const supabaseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    await work(
      createAuthenticator({ supabaseUrl, anonKey: 'anon-key', serviceKeys: ['service-key', 'sb_secret_2'] }),
      asked,
    );
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function json(status: number, body: unknown) {
  return (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
}

const bearer = (token: string) => new Headers({ authorization: `Bearer ${token}` });
const refuseAll = json(403, { code: 403, error_code: 'bad_jwt', msg: 'invalid JWT' });

test('the service key is let in as apikey and as Bearer without asking the Auth server', async () => {
  await withAuth(refuseAll, async (authenticate, asked) => {
    for (const key of ['service-key', 'sb_secret_2']) {
      assert.equal((await authenticate(new Headers({ apikey: key }))).kind, 'service');
      assert.equal((await authenticate(bearer(key))).kind, 'service');
      assert.equal(
        (await authenticate(new Headers({ apikey: key, authorization: `Bearer ${TOKEN}` }))).kind,
        'service',
      );
    }
    assert.equal(asked.length, 0);
  });
});

test('a token is shown to the Auth server with the anon key, and its user and role are what that says', async () => {
  await withAuth(json(200, { id: USER_ID, app_metadata: { role: 'admin' } }), async (authenticate, asked) => {
    const caller = await authenticate(new Headers({ apikey: 'anon-key', authorization: `bearer ${TOKEN}` }));
    assert.deepEqual(caller, { kind: 'user', userId: USER_ID, role: 'admin' });
    assert.equal(asked[0]?.url, '/auth/v1/user');
    assert.equal(asked[0]?.headers.apikey, 'anon-key');
    assert.equal(asked[0]?.headers.authorization, `Bearer ${TOKEN}`);
  });
});

test('a role that is no text, or only in user_metadata, is no role', async () => {
  for (const user of [
    { app_metadata: { role: ['admin'] } },
    { app_metadata: null, user_metadata: { role: 'admin' }, role: 'admin' },
    {},
  ]) {
    await withAuth(json(200, { id: USER_ID, ...user }), async (authenticate) => {
      assert.equal((await authenticate(bearer(TOKEN))).role, null, JSON.stringify(user));
    });
  }
});

test('missing and malformed credentials are refused without asking the Auth server', async () => {
  await withAuth(json(200, { id: USER_ID, app_metadata: { role: 'admin' } }), async (authenticate, asked) => {
    const wrong = [
      new Headers(),
      new Headers({ apikey: 'wrong' }),
      new Headers({ apikey: '' }),
      bearer('sb_publishable_x'),
      bearer('a.b'),
      bearer('a.b.c.d'),
      bearer(`${'a'.repeat(20_000)}.b.c`),
      new Headers({ authorization: `Basic ${TOKEN}` }),
      new Headers({ authorization: TOKEN }),
      new Headers({ authorization: `Bearer ${TOKEN}, Bearer ${TOKEN}` }),
      bearer('a b.c.d'),
    ];
    for (const headers of wrong) {
      await assert.rejects(
        authenticate(headers),
        { code: 'UNAUTHENTICATED' },
        JSON.stringify([...headers]).slice(0, 100),
      );
    }
    assert.equal(asked.length, 0);
  });
});

test('what the Auth server refuses is unauthenticated', async () => {
  for (const status of [400, 401, 403, 404]) {
    await withAuth(json(status, {}), async (authenticate) => {
      await assert.rejects(authenticate(bearer(TOKEN)), { code: 'UNAUTHENTICATED' });
    });
  }
});

test('an Auth server that is down, busy, redirecting or nonsense lets nobody in and says that it is to blame', async () => {
  const answers = [
    json(500, {}),
    json(429, {}),
    json(200, { hello: 'world' }),
    json(200, { id: 'not a uuid', app_metadata: { role: 'admin' } }),
    (response: ServerResponse) => response.end('<html>'),
    (response: ServerResponse) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    (response: ServerResponse) => response.destroy(),
  ];
  for (const answer of answers) {
    await withAuth(answer, async (authenticate) => {
      await assert.rejects(authenticate(bearer(TOKEN)), { code: 'AUTH_UNREACHABLE', kind: 'transient' });
    });
  }
});

test('errors of authentication never hold the token or a key', async () => {
  await withAuth(refuseAll, async (authenticate) => {
    const headers = new Headers({ apikey: 'wrong-key-value', authorization: 'Bearer secret1.secret2.secret3' });
    await assert.rejects(authenticate(headers), (error: Error) => {
      const shown = `${JSON.stringify(error)} ${error.stack} ${String(error.cause)}`;
      return !/secret1|wrong-key-value|service-key|sb_secret_2/.test(shown);
    });
  });
});
