/** Reads a PostgreSQL connection URL. Everything wrong with it is an error that names the rule, never the password. */
import { ERRORS } from '../errors.ts';

/**
 * disable: never TLS. prefer: TLS if server and certificate allow it, else none. require: always TLS, unverified, as in
 * libpq; Deno 2.1.4 cannot skip verification, so there the certificate must be trusted. verify-full: TLS, and the
 * certificate must be trusted and made out to the host.
 */
export const SSL_MODES = ['disable', 'prefer', 'require', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

export interface ConnectionOptions {
  readonly hostname: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly sslMode: SslMode;
  /** PEM, one certificate each; trusted besides the runtime's own roots. */
  readonly caCertificates: readonly string[];
  readonly connectTimeoutMs: number;
  readonly applicationName?: string;
  /** The startup packet's `options`, which Supabase's pooler also reads. */
  readonly serverOptions?: string;
}

const DEFAULT_PORT = 5432;
const DEFAULT_CONNECT_TIMEOUT_MS = 15_000;
/** Of other clients; they mean nothing here, and URLs copied from dashboards carry them. */
const IGNORED_PARAMETERS = new Set([
  'pgbouncer',
  'supa',
  'connection_limit',
  'pool_timeout',
  'pool_mode',
  'uselibpqcompat',
  'channel_binding',
  'gssencmode',
  'target_session_attrs',
  'keepalives',
]);
const KNOWN_PARAMETERS = ['sslmode', 'application_name', 'connect_timeout', 'options'];

const SHAPE =
  /^postgres(?:ql)?:\/\/(?:(?<userInfo>[^/?#]*)@)?(?<host>\[[^\]]*\]|[^:/?#@]*)(?::(?<port>[^/?#]*))?(?:\/(?<database>[^?#]*))?(?:\?(?<query>[^#]*))?$/s;

/**
 * `caCertificates` are PEM texts, each with one or more certificates.
 * Throws CONFIG_INVALID with every problem of the URL at once.
 */
export function parseConnectionUrl(url: string, caCertificates: readonly string[] = []): ConnectionOptions {
  const parts = SHAPE.exec(url.trim())?.groups;
  if (parts === undefined) {
    throw ERRORS.CONFIG_INVALID(
      'the database url must look like postgres://user:password@host:port/database, with special characters of the password percent-encoded',
    );
  }
  const problems: string[] = [];
  const parameters = readParameters(parts.query, problems);
  const [rawUser = '', ...rawPassword] = (parts.userInfo ?? '').split(':');
  const user = decode(rawUser, { what: 'user', problems });
  const options: ConnectionOptions = {
    hostname: readHost(parts.host ?? '', problems),
    port: readPort(parts.port, problems),
    user,
    password: decode(rawPassword.join(':'), { what: 'password', problems }),
    database: decode(parts.database ?? '', { what: 'database', problems }) || user,
    sslMode: readSslMode(parameters.get('sslmode'), problems),
    caCertificates: caCertificates.flatMap((pem) => splitPem(pem, problems)),
    connectTimeoutMs: readTimeout(parameters.get('connect_timeout'), problems),
    applicationName: parameters.get('application_name'),
    serverOptions: parameters.get('options'),
  };
  if (user === '') problems.push('the user must not be empty');
  for (const text of [user, options.database, options.password, options.applicationName, options.serverOptions]) {
    if (text?.includes('\0')) problems.push('no part may contain a zero byte');
  }
  if (problems.length > 0) {
    throw ERRORS.CONFIG_INVALID(`the database url is not usable: ${problems.join('; ')}`, { details: { problems } });
  }
  return options;
}

function decode(text: string, options: { what: string; problems: string[] }): string {
  try {
    return decodeURIComponent(text);
  } catch {
    options.problems.push(
      `the ${options.what} has a '%' that is not followed by two hex digits of UTF-8 (write '%25')`,
    );
    return '';
  }
}

function readParameters(query: string | undefined, problems: string[]): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of (query ?? '').split('&').filter((text) => text !== '')) {
    const [rawName = '', ...rawValue] = pair.split('=');
    const name = decode(rawName, { what: 'query string', problems });
    if (IGNORED_PARAMETERS.has(name)) continue;
    if (KNOWN_PARAMETERS.includes(name)) {
      parameters.set(name, decode(rawValue.join('='), { what: `parameter ${name}`, problems }));
    } else {
      // Only the name: a mistyped URL may carry a password in the value.
      problems.push(`parameter '${name.slice(0, 40)}' is not known (known: ${KNOWN_PARAMETERS.join(', ')})`);
    }
  }
  return parameters;
}

function readHost(text: string, problems: string[]): string {
  const host = text.startsWith('[') ? text.slice(1, -1) : decode(text, { what: 'host', problems });
  if (text.startsWith('[') && !/^[0-9a-f:.]+(%[\w.-]+)?$/i.test(host)) {
    problems.push(`host '${text}' must be an IPv6 address inside the brackets`);
  } else if (host === '' || host.startsWith('/')) {
    problems.push('the host must be a name or an address; unix sockets are not supported');
  } else if (/[\s,@]/.test(host)) {
    problems.push('the host must be one name or address');
  }
  return host;
}

function readPort(text: string | undefined, problems: string[]): number {
  if (text === undefined || text === '') return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  // The value is not shown: a password with a raw '/' or '#' ends up here.
  if (port < 1 || port > 65_535) problems.push('the port must be a number from 1 to 65535');
  return port;
}

function readSslMode(text: string | undefined, problems: string[]): SslMode {
  const mode = SSL_MODES.find((known) => known === (text ?? 'prefer'));
  if (mode === undefined) problems.push(`sslmode '${text}' is not one of ${SSL_MODES.join(', ')}`);
  return mode ?? 'prefer';
}

function readTimeout(text: string | undefined, problems: string[]): number {
  if (text === undefined) return DEFAULT_CONNECT_TIMEOUT_MS;
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (seconds < 1) problems.push(`connect_timeout '${text}' must be a number of seconds from 1 to 9999`);
  return seconds * 1000;
}

function splitPem(pem: string, problems: string[]): string[] {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g);
  if (certificates === null)
    problems.push("a CA certificate must be PEM text that begins with '-----BEGIN CERTIFICATE-----'");
  return certificates ?? [];
}
