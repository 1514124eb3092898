/** What a restore makes of the project's configuration in a backup; domain/project-config.ts says what is in it. */
import {
  CONFIG_MAX_BYTES,
  CONFIG_VERSION,
  type ConfigRoleSetting,
  type ConfigSetting,
  type ProjectConfig,
} from '../domain/project-config.ts';
import { hasOwnSettings, isReservedRole } from '../domain/reserved-roles.ts';
import { ERRORS } from '../errors.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/identifiers.ts';
import { setClause } from './config-setting.ts';
import type { Archive, HeldBack, TargetFacts } from './contracts.ts';
import { guarded } from './guarded.ts';
import { planCronJobs } from './plan-cron-jobs.ts';
import { planRoles } from './plan-roles.ts';

export interface ConfigPlan {
  /** Before the schema, which names the roles. Idempotent, as all SQL here. */
  readonly roleSql: string[];
  /** After everything else: a setting may get in a restore's way. */
  readonly afterSql: string[];
  readonly heldBack: HeldBack[];
  readonly differences: string[];
}

/** Publications and event triggers are in the schema sections, extensions in the manifest: nothing is planned for them. Pure. */
export function planConfig(
  config: ProjectConfig,
  { target, activate }: { target: TargetFacts; activate: boolean },
): ConfigPlan {
  const roles = planRoles(config, target);
  const settings = planSettings(config, target, roles.known);
  const { jobs, differences } = planCronJobs(config, target);
  return {
    roleSql: [...roles.sql],
    afterSql: [...settings.sql, ...(activate ? jobs.map((job) => job.activateSql) : [])],
    heldBack: activate ? [] : [...jobs],
    differences: [...roles.differences, ...settings.differences, ...differences, ...whatIsLeft(config)],
  };
}

/** What the Supabase CLI restores of a reserved role's settings; all others are the platform's. */
const RESERVED_SETTINGS = /^(pgaudit|pgrst)\.|^(session_replication_role|statement_timeout|track_io_timing)$/;

function planSettings(config: ProjectConfig, target: TargetFacts, known: ReadonlySet<string>) {
  const database = quoteIdentifier(target.database);
  const statements: string[] = [];
  const differences: string[] = [];
  const untouched: string[] = [];
  for (const { name, value } of config.database_settings) {
    differences.push(...settingLines({ name, value }, 'of the database', target));
    if (value !== null) statements.push(`alter database ${database} ${setClause(name, value)}`);
  }
  for (const one of config.role_settings) {
    const { role, in_database, name, value } = one;
    if (role === null) {
      differences.push(`setting ${name} of all roles (ALTER ROLE ALL) is the server's, and is not set`);
      continue;
    }
    const reserved = isReservedRole(role, config.supabase);
    if (!known.has(role)) continue;
    if (reserved && !isRestored(one, { config, target })) untouched.push(`${role} ${name}`);
    else {
      differences.push(...settingLines({ name, value }, `of role ${role}`, target));
      if (value === null || (!in_database && !reserved)) continue; // with the role, by planRoles()
      const where = in_database ? ` in database ${database}` : '';
      statements.push(`alter role ${quoteIdentifier(role)}${where} ${setClause(name, value)}`);
    }
  }
  if (untouched.length > 0) {
    differences.push(`settings of the platform's roles stay as the target has them: ${untouched.join(', ')}`);
  }
  const sql = statements.map((statement) => `do ${quoteLiteral(`begin ${guarded(statement)} end`)}`);
  return { sql, differences };
}

function settingLines({ name, value }: ConfigSetting, where: string, { superuser, role }: TargetFacts): string[] {
  if (value === null) {
    return [`setting ${name} ${where} is a secret by its name, so the backup does not have it: set it again`];
  }
  // A name with a dot is an extension's or the project's own, and only a superuser may set one that is not loaded.
  const refused = name.includes('.') && !superuser && !RESERVED_SETTINGS.test(name);
  return refused ? [`setting ${name} ${where} is left out if ${role} may not set it: look at pg_db_role_setting`] : [];
}

function isRestored(
  { role, name }: ConfigRoleSetting,
  { config, target }: { config: ProjectConfig; target: TargetFacts },
): boolean {
  return config.supabase && target.supabase && hasOwnSettings(role!, true) && RESERVED_SETTINGS.test(name);
}

/** What cannot be restored, only said. */
function whatIsLeft(config: ProjectConfig): string[] {
  const { vault_secrets, subscriptions, replication_slots, foreign_servers, unreadable } = config;
  const mapped = foreign_servers.filter(({ user_mappings }) => user_mappings.length > 0);
  return [
    ...vault_secrets.map(({ name, description }) => {
      const about = description === '' ? '' : ` (${description})`;
      return `vault secret ${name ?? 'without a name'}${about} must be created again: its value is not in the backup`;
    }),
    ...subscriptions.map(({ name, publications }) => {
      const to = publications.length === 0 ? '' : ` to ${publications.join(', ')}`;
      return `subscription ${name}${to} must be created again: its connection string is not in the backup`;
    }),
    ...replication_slots.map(
      ({ name, plugin }) =>
        `replication slot ${name} (${plugin ?? 'physical'}) is not restored: whoever read from it begins anew`,
    ),
    ...mapped.map(
      ({ name, user_mappings }) =>
        `foreign server ${name}: look at the options of its user mappings (${user_mappings.join(', ')}), which may lack passwords`,
    ),
    ...unreadable
      .filter(({ what }) => what !== 'rls_probes')
      .map(({ what, reason }) => `${what.replaceAll('_', ' ')} of the source could not be read: ${reason}`),
  ];
}

/** null: the backup has none, as those of single tables. Throws ARCHIVE_DAMAGED, MANIFEST_TOO_NEW, and what reading throws. */
export async function readConfigOf(archive: Archive): Promise<ProjectConfig | null> {
  const object = archive.manifest.objects.find(({ kind }) => kind === 'config');
  if (object === undefined) return null;
  const value = parse(object.path, await readText(archive, object.path));
  const { format, version } = (value ?? {}) as { format?: unknown; version?: { major?: unknown } };
  if (format === 'holdfast-config' && Number(version?.major) > CONFIG_VERSION.major) {
    const rule = `this Holdfast reads up to ${CONFIG_VERSION.major}`;
    throw ERRORS.MANIFEST_TOO_NEW(`${object.path} has version ${version?.major}; ${rule}`);
  }
  const { PROJECT_CONFIG_SCHEMA } = await import('../domain/project-config-schema.ts');
  const result = PROJECT_CONFIG_SCHEMA.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'object'}: ${issue.message}`);
  throw ERRORS.ARCHIVE_DAMAGED(`${object.path} is no configuration: ${problems.slice(0, 5).join('; ')}`);
}

async function readText(archive: Archive, path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of archive.read(path)) {
    size += chunk.length;
    if (size > CONFIG_MAX_BYTES) {
      throw ERRORS.ARCHIVE_DAMAGED(`${path} must be at most ${CONFIG_MAX_BYTES} bytes of JSON, and has more`);
    }
    chunks.push(chunk.slice());
  }
  const text = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    text.set(chunk, at);
    at += chunk.length;
  }
  return text;
}

function parse(path: string, text: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (cause) {
    throw ERRORS.ARCHIVE_DAMAGED(`${path} is not JSON in UTF-8 (${text.length} bytes)`, { cause });
  }
}
