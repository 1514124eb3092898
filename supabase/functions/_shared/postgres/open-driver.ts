/** The `postgres` package with our settings, for ledger queries: parameters, templates, transactions. */
import postgres from 'postgres';
import type { Platform } from '../platform.ts';
import { type ConnectionOptions, parseConnectionUrl } from './connection-url.ts';
import { openDriverSocket } from './driver-socket.ts';
import { saslPrep } from './scram.ts';

/** bigint columns are numbers in TypeScript (see openDriver). */
export type Sql = postgres.Sql<{ bigint: number }>;

export interface DriverOptions {
  /** Connections at most; they are opened when needed. */
  readonly max?: number;
  readonly applicationName?: string;
  readonly caCertificates?: readonly string[];
  /** Given, connections are made as openSession() makes them. Deno needs it: the driver's own TLS does not work there. */
  readonly platform?: Platform;
  /** Of one statement; default 60 s. Ledger queries are short, a stuck one must not eat the call. */
  readonly statementTimeoutMs?: number;
}

const INT8_OID = 20;
const IDLE_TIMEOUT_SECONDS = 20;
const DEFAULT_STATEMENT_TIMEOUT_MS = 60_000;

/**
 * bigint comes as a number when it is exact, else as its text: ids and byte counts stay below 2^53, what does not must
 * not be rounded. Prepared statements are off, as Supabase's transaction pooler knows none. Throws CONFIG_INVALID.
 */
export function openDriver(url: string | ConnectionOptions, options: DriverOptions = {}): Sql {
  const to = typeof url === 'string' ? parseConnectionUrl(url, options.caCertificates) : url;
  return postgres({
    host: to.hostname,
    port: to.port,
    user: to.user,
    // The driver takes SCRAM passwords as they are; the server prepared them when they were set.
    pass: saslPrep(to.password),
    database: to.database,
    ...transport(to, options.platform),
    max: options.max ?? 1,
    prepare: false,
    connect_timeout: to.connectTimeoutMs / 1000,
    idle_timeout: IDLE_TIMEOUT_SECONDS,
    onnotice: () => {},
    types: { bigint: { to: INT8_OID, from: [INT8_OID], serialize: String, parse: parseBigint } },
    connection: {
      application_name: options.applicationName ?? to.applicationName ?? 'holdfast',
      statement_timeout: options.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: options.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS,
      extra_float_digits: 3,
      TimeZone: 'UTC',
      DateStyle: 'ISO, MDY',
      IntervalStyle: 'postgres',
      ...(to.serverOptions ? { options: to.serverOptions } : {}),
    },
  }) as Sql;
}

function parseBigint(text: string): number | string {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
}

function transport(to: ConnectionOptions, platform: Platform | undefined) {
  if (platform !== undefined) {
    // SAFETY: the driver's own option, missing in its types: a function that opens the socket.
    return { ssl: false, socket: () => openDriverSocket(platform, to) } as { ssl: false };
  }
  if (to.sslMode === 'disable') return { ssl: false };
  if (to.sslMode !== 'verify-full') return { ssl: to.sslMode };
  const ca = to.caCertificates.length > 0 ? to.caCertificates.join('\n') : undefined;
  return { ssl: { rejectUnauthorized: true, ca, servername: to.hostname } };
}
