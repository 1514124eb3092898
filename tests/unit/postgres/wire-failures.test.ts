/** A server that says exactly what a test wants: every way the wire can fail must end in an error of the catalogue. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import type { PgSession } from '../../../supabase/functions/_shared/postgres/session.ts';

type Talk = (socket: net.Socket, heard: (bytes: number) => Promise<Buffer>) => Promise<void> | void;

function message(type: string, body: Buffer | string): Buffer {
  const content = Buffer.from(body);
  const head = Buffer.alloc(5, type);
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const auth = (code: number, rest = '') => message('R', Buffer.concat([int32(code), Buffer.from(rest)]));
const failure = (severity: string, code: string) =>
  message('E', `S${severity}\0V${severity}\0C${code}\0Mthe reason\0\0`);
const READY = message('Z', 'I');
const LOGGED_IN = Buffer.concat([
  auth(0),
  message('S', 'server_version\0' + '17.1\0'),
  message('K', Buffer.alloc(8)),
  READY,
]);

/** The url of a server that follows the script once per connection; `heard(n)` waits until n bytes came in all. */
async function serve(t: TestContext, talk: Talk): Promise<string> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    let got = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      got = Buffer.concat([got, bytes]);
      socket.emit('progress');
    });
    const heard = async (bytes: number) => {
      while (got.length < bytes) await new Promise((resolve) => socket.once('progress', resolve));
      return got;
    };
    void talk(socket, heard);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as net.AddressInfo;
  return `postgres://ann:hunter2@127.0.0.1:${port}/d?sslmode=disable&connect_timeout=1`;
}

const LOGINS: [name: string, code: string, talk: Talk][] = [
  ['closes at once', 'DATABASE_UNREACHABLE', (socket) => void socket.destroy()],
  ['never answers', 'DATABASE_UNREACHABLE', () => {}],
  ['speaks another protocol', 'PROTOCOL_VIOLATED', (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['is starting up', 'DATABASE_UNREACHABLE', (socket) => void socket.write(failure('FATAL', '57P03'))],
  ['has no connection left', 'DATABASE_UNREACHABLE', (socket) => void socket.write(failure('FATAL', '53300'))],
  ['refuses the password', 'DATABASE_LOGIN_FAILED', (socket) => void socket.write(failure('FATAL', '28P01'))],
  ['knows no such database', 'DATABASE_LOGIN_FAILED', (socket) => void socket.write(failure('FATAL', '3D000'))],
  ['wants Kerberos', 'DATABASE_LOGIN_FAILED', (socket) => void socket.write(auth(7))],
  ['offers only SCRAM-SHA-1', 'DATABASE_LOGIN_FAILED', (socket) => void socket.write(auth(10, 'SCRAM-SHA-1\0\0'))],
  [
    'continues a SCRAM login nobody began',
    'PROTOCOL_VIOLATED',
    (socket) => void socket.write(auth(11, 'r=x,s=AAAA,i=1')),
  ],
  [
    'ends the SCRAM login without a proof',
    'DATABASE_LOGIN_FAILED',
    (socket) => void socket.write(Buffer.concat([auth(10, 'SCRAM-SHA-256\0\0'), auth(12, 'v=AAAA')])),
  ],
  [
    'answers with a nonce of its own',
    'PROTOCOL_VIOLATED',
    (socket) => void socket.write(Buffer.concat([auth(10, 'SCRAM-SHA-256\0\0'), auth(11, 'r=evil,s=AAAA,i=4096')])),
  ],
  [
    'proves the wrong password',
    'DATABASE_LOGIN_FAILED',
    async (socket, heard) => {
      socket.write(auth(10, 'SCRAM-SHA-256\0\0'));
      const nonce = /r=([A-Za-z0-9+/]+)/.exec((await heard(120)).toString('latin1'))![1];
      socket.write(auth(11, `r=${nonce}x,s=AAAA,i=1`));
      socket.write(Buffer.concat([auth(12, `v=${Buffer.alloc(32).toString('base64')}`), LOGGED_IN]));
    },
  ],
];

for (const [name, code, talk] of LOGINS) {
  test(`login to a server that ${name} is ${code}`, async (t) => {
    const url = await serve(t, talk);
    await assert.rejects(openSession(nodePlatform, url), (error: Error & { code: string }) => {
      assert.equal(error.code, code);
      assert.doesNotMatch(JSON.stringify(error) + error.message, /hunter2/);
      return true;
    });
  });
}

test('a port where nobody listens is DATABASE_UNREACHABLE with the system code', async () => {
  await assert.rejects(openSession(nodePlatform, 'postgres://u@127.0.0.1:1/d'), {
    code: 'DATABASE_UNREACHABLE',
    details: { code: 'ECONNREFUSED' },
  });
});

test('sslmode=require refuses a server without TLS, and bytes slipped in before TLS begins', async (t) => {
  const without = await serve(t, (socket) => void socket.write('N'));
  await assert.rejects(openSession(nodePlatform, without.replace('disable', 'require')), {
    code: 'DATABASE_TLS_FAILED',
  });
  const injected = await serve(t, (socket) => void socket.write('Sx'));
  await assert.rejects(openSession(nodePlatform, injected.replace('disable', 'require')), {
    code: 'PROTOCOL_VIOLATED',
  });
  const foreign = await serve(t, (socket) => void socket.write('HTTP/1.1'));
  await assert.rejects(openSession(nodePlatform, foreign.replace('disable', 'prefer')), { code: 'PROTOCOL_VIOLATED' });
});

/** Logs in, accepts the settings, and answers the next statement as told. */
async function sessionThat(t: TestContext, answer: (socket: net.Socket) => void): Promise<PgSession> {
  const url = await serve(t, async (socket, heard) => {
    const startup = (await heard(8)).length;
    socket.write(LOGGED_IN);
    const settings = (await heard(startup + 20)).length;
    socket.write(READY);
    await heard(settings + 6);
    answer(socket);
  });
  const session = await openSession(nodePlatform, url);
  t.after(() => session.close());
  return session;
}

async function readCopy(session: PgSession): Promise<void> {
  for await (const _ of session.copyOut('copy t to stdout'));
}

const COPY_OUT = message('H', Buffer.alloc(3));

const COPIES: [name: string, code: string, bytes: Buffer, end: boolean][] = [
  [
    'closes within a row',
    'DATABASE_CONNECTION_LOST',
    Buffer.concat([COPY_OUT, message('d', 'abc').subarray(0, 6)]),
    true,
  ],
  ['closes between rows', 'DATABASE_CONNECTION_LOST', Buffer.concat([COPY_OUT, message('d', 'abc')]), true],
  ['ends the copy but never gets ready', 'DATABASE_CONNECTION_LOST', Buffer.concat([COPY_OUT, message('c', '')]), true],
  [
    'is shut down',
    'QUERY_INTERRUPTED',
    Buffer.concat([COPY_OUT, message('d', 'a\n'), failure('FATAL', '57P01')]),
    false,
  ],
  [
    'sends an impossible length',
    'PROTOCOL_VIOLATED',
    Buffer.concat([COPY_OUT, Buffer.from([0x64, 255, 255, 255, 255])]),
    false,
  ],
  ['returns no copy', 'PROTOCOL_VIOLATED', Buffer.concat([message('C', 'SELECT 1\0'), READY]), false],
];

for (const [name, code, bytes, end] of COPIES) {
  test(`a copy from a server that ${name} is ${code}, and the session is closed`, async (t) => {
    const session = await sessionThat(t, (socket) => void (end ? socket.end(bytes) : socket.write(bytes)));
    await assert.rejects(readCopy(session), { code });
    await assert.rejects(session.query('select 1'), { code: 'DATABASE_CONNECTION_LOST' });
  });
}

test('a copy that fails on the server leaves the session usable', async (t) => {
  const session = await sessionThat(t, (socket) => {
    socket.write(
      Buffer.concat([COPY_OUT, message('d', 'a\n'), failure('ERROR', '22012'), READY, message('C', 'SET\0'), READY]),
    );
  });
  await assert.rejects(readCopy(session), { code: 'QUERY_FAILED', details: { sqlState: '22012' } });
  assert.deepEqual(await session.query('set x = 1'), []);
});

test('a session does one thing at a time', async (t) => {
  const session = await sessionThat(t, () => {});
  const waiting = session.query('select pg_sleep(100)');
  await assert.rejects(session.query('select 1'), { code: 'SESSION_BUSY' });
  await session.close();
  await assert.rejects(waiting, { code: 'DATABASE_CONNECTION_LOST' });
});

test('notices, parameter changes and notifications in between are no answer', async (t) => {
  const session = await sessionThat(t, (socket) => {
    const row = message('D', Buffer.from([0, 2, 0, 0, 0, 1, 65, 255, 255, 255, 255]));
    const noise = [message('N', 'SNOTICE\0Mhello\0\0'), message('S', 'TimeZone\0UTC\0'), message('A', Buffer.alloc(8))];
    socket.write(
      Buffer.concat([...noise, message('T', Buffer.alloc(2)), row, ...noise, message('C', 'SELECT 1\0'), READY]),
    );
  });
  assert.deepEqual(await session.query('select 1'), [['A', null]]);
});
