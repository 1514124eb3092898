/** Opens a connection and logs in: TLS, then SCRAM-SHA-256, md5, cleartext or trust, as the server asks. */
import { createHash } from 'node:crypto';
import { ERRORS, HoldfastError } from '../errors.ts';
import type { Platform, TcpConnection } from '../platform.ts';
import { send } from './connection-lost.ts';
import type { ConnectionOptions } from './connection-url.ts';
import { MessageReader } from './message-reader.ts';
import { openSocket } from './open-socket.ts';
import { beginScram, type ScramExchange } from './scram.ts';
import {
  decodeErrorFields,
  decodeParameter,
  type ErrorFields,
  encodeMessage,
  encodeStrings,
  MESSAGE,
  type Message,
  readInt32,
} from './wire-messages.ts';

const PROTOCOL_VERSION = [0, 3, 0, 0];
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface Login {
  readonly connection: TcpConnection;
  readonly reader: MessageReader;
  /** The server's messages from AuthenticationOk to ReadyForQuery, which a second protocol client can be started with. */
  readonly startup: Uint8Array;
  /** ParameterStatus values: server_version, server_encoding … */
  readonly parameters: ReadonlyMap<string, string>;
  readonly backendPid: number;
}

/**
 * Throws DATABASE_UNREACHABLE (network, or a server that takes no connections now), DATABASE_LOGIN_FAILED,
 * DATABASE_TLS_FAILED or PROTOCOL_VIOLATED; leaves no connection behind.
 */
export async function login(platform: Platform, options: ConnectionOptions): Promise<Login> {
  const deadline = Date.now() + options.connectTimeoutMs;
  const connection = await openSocket(platform, options);
  let expired = false;
  const timer = setTimeout(
    () => {
      expired = true;
      connection.close();
    },
    Math.max(1, deadline - Date.now()),
  );
  try {
    return await authenticate(connection, options);
  } catch (error) {
    connection.close();
    throw expired ? timedOut(options, error) : duringLogin(options, error);
  } finally {
    clearTimeout(timer);
  }
}

function timedOut(options: ConnectionOptions, cause: unknown): HoldfastError {
  const message = `${options.hostname}:${options.port} did not answer the login within ${options.connectTimeoutMs} ms`;
  return ERRORS.DATABASE_UNREACHABLE(message, { cause });
}

function duringLogin(options: ConnectionOptions, error: unknown): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'DATABASE_CONNECTION_LOST') return error;
  return ERRORS.DATABASE_UNREACHABLE(`${options.hostname}:${options.port} ended the connection during the login`, {
    cause: error,
  });
}

async function authenticate(connection: TcpConnection, options: ConnectionOptions): Promise<Login> {
  const reader = new MessageReader(connection);
  const exchange: Exchange = { connection, options, scram: null };
  await send(connection, startupMessage(options));
  const startup: Uint8Array[] = [];
  const parameters = new Map<string, string>();
  let backendPid = 0;
  for (;;) {
    const message = await reader.next();
    if (message.type === MESSAGE.errorResponse) throw loginFailed(decodeErrorFields(message.body), options);
    if (message.type === MESSAGE.noticeResponse || message.type === MESSAGE.negotiateProtocolVersion) continue;
    if (message.type === MESSAGE.authentication) {
      const accepted = await answer(exchange, message.body);
      if (!accepted) continue;
    }
    startup.push(encodeMessage(String.fromCharCode(message.type), message.body));
    remember(message);
    if (message.type === MESSAGE.readyForQuery) {
      return { connection, reader, startup: concatenate(startup), parameters, backendPid };
    }
  }

  function remember(message: Message): void {
    if (message.type === MESSAGE.parameterStatus) parameters.set(...decodeParameter(message.body));
    if (message.type === MESSAGE.backendKeyData) backendPid = readInt32(message.body, 0);
  }
}

function startupMessage(options: ConnectionOptions): Uint8Array {
  const pairs = [
    ['user', options.user],
    ['database', options.database],
    ['client_encoding', 'UTF8'],
    ['application_name', options.applicationName ?? 'holdfast'],
    ...(options.serverOptions ? [['options', options.serverOptions]] : []),
  ];
  const strings = encoder.encode(`${pairs.flat().join('\0')}\0\0`);
  return encodeMessage('', concatenate([new Uint8Array(PROTOCOL_VERSION), strings]));
}

function concatenate(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

interface Exchange {
  readonly connection: TcpConnection;
  readonly options: ConnectionOptions;
  scram: ScramExchange | null;
}

/** Authentication requests by code. True when the server accepted the login. */
async function answer(exchange: Exchange, body: Uint8Array): Promise<boolean> {
  const { connection, options } = exchange;
  const code = readInt32(body, 0);
  const text = decoder.decode(body.subarray(4));
  switch (code) {
    case 0:
      return true;
    case 3:
      await send(connection, encodeStrings('p', password(options)));
      return false;
    case 5:
      await send(connection, encodeStrings('p', md5Response(options, body.slice(4, 8))));
      return false;
    case 10:
      await send(connection, saslInitial(exchange, text.split('\0')));
      return false;
    case 11:
      await send(connection, encodeMessage('p', encoder.encode(await begun(exchange).clientFinal(text))));
      return false;
    case 12:
      begun(exchange).verifyServer(text);
      return false;
    default:
      throw ERRORS.DATABASE_LOGIN_FAILED(`the server asks for authentication method ${code}, which is not supported`, {
        hint: 'Allow scram-sha-256, md5 or password for this user in pg_hba.conf.',
      });
  }
}

function password(options: ConnectionOptions): string {
  if (options.password !== '') return options.password;
  throw ERRORS.DATABASE_LOGIN_FAILED(`the server wants a password for user '${options.user}', the url has none`);
}

function begun(exchange: Exchange): ScramExchange {
  if (exchange.scram !== null) return exchange.scram;
  throw ERRORS.PROTOCOL_VIOLATED('the server continued a SCRAM login that was not begun');
}

function saslInitial(exchange: Exchange, mechanisms: string[]): Uint8Array {
  if (!mechanisms.includes('SCRAM-SHA-256')) {
    const offered = mechanisms.filter((name) => name !== '').join(', ');
    throw ERRORS.DATABASE_LOGIN_FAILED(`the server must offer SCRAM-SHA-256, it offers ${offered}`);
  }
  exchange.scram = beginScram(password(exchange.options));
  const first = encoder.encode(exchange.scram.clientFirst);
  const length = new Uint8Array([0, 0, 0, first.length]);
  return encodeMessage('p', concatenate([encoder.encode('SCRAM-SHA-256\0'), length, first]));
}

function md5Response(options: ConnectionOptions, salt: Uint8Array): string {
  const md5 = (...parts: (string | Uint8Array)[]) => {
    const hash = createHash('md5');
    for (const part of parts) hash.update(part);
    return hash.digest('hex');
  };
  return `md5${md5(md5(password(options), options.user), salt)}`;
}

/** SQLSTATE classes of a server that is there but takes no logins now: connection, resources, operator, system. */
const UNREACHABLE_SQL_STATE = /^(08|53|57|58)/;

function loginFailed(fields: ErrorFields, options: ConnectionOptions): HoldfastError {
  const sqlState = fields.C ?? '';
  const create = UNREACHABLE_SQL_STATE.test(sqlState) ? ERRORS.DATABASE_UNREACHABLE : ERRORS.DATABASE_LOGIN_FAILED;
  const where = `${options.hostname}:${options.port}/${options.database}`;
  return create(`${where} refused user '${options.user}': ${fields.M ?? 'no reason given'}`, { details: { sqlState } });
}
