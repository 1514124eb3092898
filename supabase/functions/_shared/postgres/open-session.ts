/** Opens a raw session with the settings that make what it reads exact: nothing rounded, nothing filtered, no time zones. */
import type { Platform } from '../platform.ts';
import { type ConnectionOptions, parseConnectionUrl } from './connection-url.ts';
import { login } from './login.ts';
import type { PgSession } from './session.ts';
import { WireSession } from './wire-session.ts';

export interface SessionOptions {
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string;
  /** PEM texts, trusted besides the runtime's roots; only for a url given as text. */
  readonly caCertificates?: readonly string[];
}

/** The platform caps statements at two minutes unless told otherwise, and prints floats short; row_security = off turns a silently filtered table into an error. */
export const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  extra_float_digits: '3',
  timezone: 'UTC',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  xmlbinary: 'base64',
  xmloption: 'content',
  standard_conforming_strings: 'on',
  synchronize_seqscans: 'off',
  search_path: '',
  row_security: 'off',
};

/** Applies the settings to options given as text or already read. */
export function connectionOptions(url: string | ConnectionOptions, options: SessionOptions = {}): ConnectionOptions {
  const parsed = typeof url === 'string' ? parseConnectionUrl(url, options.caCertificates) : url;
  return { ...parsed, applicationName: options.applicationName ?? parsed.applicationName };
}

/** Throws CONFIG_INVALID, DATABASE_UNREACHABLE, DATABASE_LOGIN_FAILED, DATABASE_TLS_FAILED. */
export async function openSession(
  platform: Platform,
  url: string | ConnectionOptions,
  options: SessionOptions = {},
): Promise<PgSession> {
  const session = new WireSession(await login(platform, connectionOptions(url, options)));
  try {
    await session.query(settingsSql(session.serverVersionNum));
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

function settingsSql(serverVersionNum: number): string {
  const settings = serverVersionNum >= 170000 ? { ...SESSION_SETTINGS, transaction_timeout: '0' } : SESSION_SETTINGS;
  return Object.entries(settings)
    .map(([name, value]) => `set ${name} = '${value}'`)
    .join('; ');
}
