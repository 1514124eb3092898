/** TCP and, as sslmode says, TLS, up to the point where the PostgreSQL login begins. */
import { ERRORS, type HoldfastError } from '../errors.ts';
import type { Platform, TcpConnection } from '../platform.ts';
import type { ConnectionOptions } from './connection-url.ts';

/** Length 8, code 80877103. */
const SSL_REQUEST = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]);
const YES = 0x53;
const NO = 0x4e;

/** Throws DATABASE_UNREACHABLE or DATABASE_TLS_FAILED; leaves no connection behind. */
export async function openSocket(platform: Platform, options: ConnectionOptions): Promise<TcpConnection> {
  const first = await connect(platform, options);
  if (options.sslMode === 'disable') return first;
  if (!(await offersTls(first, options))) return first;
  try {
    return await startTls(first, options);
  } catch (error) {
    first.close();
    if (options.sslMode !== 'prefer') throw tlsFailed(options, error);
  }
  // What libpq's `prefer` does too: a TLS that does not come about is no reason not to connect.
  return connect(platform, options);
}

async function connect(platform: Platform, options: ConnectionOptions): Promise<TcpConnection> {
  const { hostname, port, connectTimeoutMs: timeoutMs } = options;
  try {
    return await platform.connectTcp({ hostname, port, timeoutMs });
  } catch (error) {
    throw unreachable(options, error);
  }
}

/** Asks the server; refuses one that does not offer what sslmode demands. */
async function offersTls(connection: TcpConnection, options: ConnectionOptions): Promise<boolean> {
  const answer = await within(connection, { options, work: ask(connection) });
  if (answer === YES) return true;
  if (answer === NO && options.sslMode === 'prefer') return false;
  connection.close();
  if (answer === null) throw unreachable(options, new Error('the server closed the connection'));
  if (answer !== NO) throw ERRORS.PROTOCOL_VIOLATED(`${place(options)} does not speak PostgreSQL's protocol`);
  throw ERRORS.DATABASE_TLS_FAILED(`sslmode is ${options.sslMode}, but ${place(options)} offers no TLS`, {
    hint: 'Turn TLS on at the server, or use sslmode=prefer if the network between is your own.',
  });
}

async function ask(connection: TcpConnection): Promise<number | null> {
  await connection.write(SSL_REQUEST);
  const bytes = await connection.read();
  // More than one byte before TLS begins was put there by somebody in between (CVE-2021-23222).
  if (bytes !== null && bytes.length > 1 && bytes[0] === YES) return -1;
  return bytes?.[0] ?? null;
}

function startTls(connection: TcpConnection, options: ConnectionOptions): Promise<TcpConnection> {
  const { hostname, caCertificates, sslMode } = options;
  const verify = sslMode === 'verify-full';
  return within(connection, {
    options,
    work: connection.startTls({ hostname, caCertificates: [...caCertificates], verify }),
  });
}

/** Bounds a step by the connect timeout, by closing the connection under it. */
async function within<T>(
  connection: TcpConnection,
  step: { options: ConnectionOptions; work: Promise<T> },
): Promise<T> {
  const { options, work } = step;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      connection.close();
      reject(Object.assign(new Error(`no answer within ${options.connectTimeoutMs} ms`), { code: 'ETIMEDOUT' }));
    }, options.connectTimeoutMs);
  });
  try {
    return await Promise.race([work, expired]);
  } catch (error) {
    connection.close();
    throw unreachable(options, error);
  } finally {
    clearTimeout(timer);
    // The loser of the race: an error after the timeout has no reader.
    work.catch(() => {});
  }
}

const place = (options: ConnectionOptions) => `${options.hostname}:${options.port}`;
const reason = (error: unknown) => (error instanceof Error ? error.message || error.name : String(error));

function unreachable(options: ConnectionOptions, cause: unknown): HoldfastError {
  const code = (cause as { code?: unknown } | null)?.code;
  return ERRORS.DATABASE_UNREACHABLE(`${place(options)} cannot be reached: ${reason(cause)}`, {
    cause,
    details: typeof code === 'string' ? { code } : {},
  });
}

/** Errors of the network, by Node's system codes and Deno's class names; all else that fails TLS is its certificate. */
const NETWORK_ERROR = /^(E[A-Z]+|ConnectionReset|ConnectionAborted|BrokenPipe|UnexpectedEof|TimedOut)$/;

function tlsFailed(options: ConnectionOptions, failure: unknown): unknown {
  const cause = (failure as { cause?: unknown }).cause as { code?: string; name?: string };
  if (NETWORK_ERROR.test(cause?.code ?? cause?.name ?? '')) return failure;
  return ERRORS.DATABASE_TLS_FAILED(
    `no TLS connection to ${place(options)} with sslmode ${options.sslMode}: ${reason(cause)}`,
    {
      cause,
    },
  );
}
