/** Reads what of a project is neither rows nor the DDL of its schemas; see domain/project-config.ts. */
import {
  CONFIG_VERSION,
  type ConfigCronJob,
  type ConfigMembership,
  type ConfigRole,
  type ConfigRoleSetting,
  type ConfigSetting,
  type ProjectConfig,
} from '../domain/project-config.ts';
import { hasOwnSettings, isReservedRole } from '../domain/reserved-roles.ts';
import { HoldfastError } from '../errors.ts';
import { quoteLiteral } from './identifiers.ts';
import { type ProbedTable, type ProbeResults, probeRls } from './probe-rls.ts';
import {
  CRON_SQL,
  EVENT_TRIGGERS_SQL,
  EXTENSIONS_SQL,
  FOREIGN_SERVERS_SQL,
  hasTableSql,
  MEMBERSHIPS_SQL,
  PUBLICATIONS_SQL,
  ROLES_SQL,
  rlsTablesSql,
  SETTINGS_SQL,
  SLOTS_SQL,
  SUBSCRIPTIONS_SQL,
  VAULT_SQL,
} from './project-config-sql.ts';
import type { PgSession } from './session.ts';

export interface ConfigSource {
  readonly database: string;
  readonly supabase: boolean;
  /** Schemas of the platform, whose row level security is its own. */
  readonly managedSchemas: readonly string[];
}

type Setting = ConfigRoleSetting;
type Membership = ConfigMembership & { readonly automatic: boolean };

/** Settings that hold what must not be in a backup: `app.settings.jwt_secret` and its like. */
const SECRET_NAME = /secret|passw|token|credential|private|api_?key|[._]key$/i;
/** Both: a project's own job may have either. */
const OWN_JOB = { name: /^holdfast-/, command: /\bbackup\./ };
const FIRST_USER_SQL = 'select id from auth.users order by created_at, id limit 1';
const NO_PROBES: ProbeResults = { probes: [], leftOut: [] };
const FIRST_USER_TIMEOUT = "set local statement_timeout = '2s'";

/**
 * Call it in the transaction of the backup's snapshot; role and settings are afterwards what they were. What may not be
 * read is in `unreadable`. Throws DATABASE_CONNECTION_LOST, and QUERY_INTERRUPTED when the server lacked something.
 */
export async function readProjectConfig(session: PgSession, source: ConfigSource): Promise<ProjectConfig> {
  const read = new Reader(session);
  const { supabase } = source;
  const roles = (await read.list<ConfigRole>('roles', ROLES_SQL)).filter(({ name }) => !isReservedRole(name, supabase));
  const named = new Set(roles.map(({ name }) => name));
  const settings = await read.list<Setting>('role_settings', SETTINGS_SQL);
  const rls = supabase ? await readProbes(read, source) : NO_PROBES;
  return {
    format: 'holdfast-config',
    version: CONFIG_VERSION,
    database: source.database,
    server_version_num: session.serverVersionNum,
    supabase,
    roles,
    memberships: (await read.list<Membership>('memberships', MEMBERSHIPS_SQL))
      .filter(({ role, member, automatic }) => named.has(member) || (named.has(role) && !automatic))
      .map(({ automatic: _, ...membership }) => membership),
    role_settings: settings
      .filter(({ role, in_database }) => (role === null ? !in_database : hasOwnSettings(role, supabase)))
      .map(({ role, in_database, ...setting }) => ({ role, in_database, ...withoutSecret(setting) })),
    database_settings: settings
      .filter(({ role, in_database }) => role === null && in_database)
      .map(({ name, value }) => withoutSecret({ name, value })),
    cron_jobs: (await read.listIf<ConfigCronJob>('cron_jobs', ['cron', 'job'], CRON_SQL)).map((job) => ({
      ...job,
      own: OWN_JOB.name.test(job.name ?? '') && OWN_JOB.command.test(job.command),
    })),
    publications: await read.list('publications', PUBLICATIONS_SQL),
    subscriptions: await read.list('subscriptions', SUBSCRIPTIONS_SQL),
    event_triggers: await read.list('event_triggers', EVENT_TRIGGERS_SQL),
    vault_secrets: await read.listIf('vault_secrets', ['vault', 'secrets'], VAULT_SQL),
    extensions: await read.list('extensions', EXTENSIONS_SQL),
    replication_slots: await read.list('replication_slots', SLOTS_SQL),
    foreign_servers: await read.list('foreign_servers', FOREIGN_SERVERS_SQL),
    rls_probes: rls.probes,
    rls_probes_left_out: rls.leftOut,
    unreadable: read.unreadable,
  };
}

function withoutSecret({ name, value }: ConfigSetting): ConfigSetting {
  return { name, value: SECRET_NAME.test(name) ? null : value };
}

async function readProbes(read: Reader, { managedSchemas }: ConfigSource): Promise<ProbeResults> {
  const schemas = ["''", ...managedSchemas.map(quoteLiteral)].join(', ');
  const rows = await read.attempt('rls_probes', rlsTablesSql(schemas));
  if (rows === null) return NO_PROBES;
  const user = await read.attempt('rls_probes', `${FIRST_USER_TIMEOUT}; ${FIRST_USER_SQL}`);
  if (user?.length === 0) {
    read.unreadable.push({
      what: 'rls_probes',
      reason: 'auth.users is empty, so nothing was counted as authenticated',
    });
  }
  const tables = JSON.parse(rows[0]![0]!) as ProbedTable[];
  return await probeRls(read.session, { tables, subject: user?.[0]?.[0] ?? null });
}

/** Every read in a savepoint: after a refusal the transaction, and with it the snapshot, goes on. */
class Reader {
  readonly session: PgSession;
  readonly unreadable: { what: string; reason: string }[] = [];

  constructor(session: PgSession) {
    this.session = session;
  }

  async list<T>(what: string, sql: string): Promise<T[]> {
    const rows = await this.attempt(what, sql);
    return rows === null ? [] : (JSON.parse(rows[0]![0]!) as T[]);
  }

  /** The list of a table that not every database has. */
  async listIf<T>(what: string, [schema, table]: [string, string], sql: string): Promise<T[]> {
    const rows = await this.attempt(what, hasTableSql(schema, table));
    return rows?.[0]?.[0] === 't' ? await this.list(what, sql) : [];
  }

  /** null: refused, and noted. */
  async attempt(what: string, sql: string): Promise<(string | null)[][] | null> {
    try {
      return await this.session.query(`savepoint holdfast_config; ${sql}; ${BACK}`);
    } catch (error) {
      await this.session.query(BACK); // on a session that has ended this throws, and so it should
      if (!(error instanceof HoldfastError) || (error.kind === 'transient' && !isTimeout(error))) throw error;
      const reason = `${error.message} (SQLSTATE ${String(error.details.sqlState)})`;
      this.unreadable.push({ what, reason });
      return null;
    }
  }
}

const isTimeout = (error: HoldfastError) => error.details.sqlState === '57014';

const BACK = 'rollback to savepoint holdfast_config; release savepoint holdfast_config';
