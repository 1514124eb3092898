/** Reads of the target all that a plan needs, and refuses a target that cannot be restored into, before anything is written. */
import { ERRORS } from '../errors.ts';
import { qualifiedName } from '../postgres/identifiers.ts';
import { isManagedSchema, SUPABASE_ROLES } from '../postgres/managed-schemas.ts';
import type { PgSession } from '../postgres/session.ts';
import type { TargetFacts } from './contracts.ts';
import { MARKS_SCHEMA } from './restore-marks.ts';

const DATABASE_SQL = `
  select json_build_object(
    'database', current_database(),
    'encoding', (select pg_encoding_to_char(encoding) from pg_database where datname = current_database()),
    'role', current_user,
    'superuser', (select rolsuper from pg_roles where rolname = current_user),
    'mayCreate', has_database_privilege(current_database(), 'create'),
    'roles', (select json_agg(rolname) from pg_roles),
    'extensions', (select coalesce(json_agg(name), '[]') from pg_available_extensions),
    'schemas', (select json_agg(json_build_object('name', nspname, 'owner', pg_get_userbyid(nspowner)))
      from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'))`;

/** An extension's tables are its own; reltuples is no proof of emptiness, so every table is asked for one row. */
const TABLES_SQL = `
  select json_build_object(
    'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
    'columns', (select coalesce(json_agg(a.attname order by a.attnum), '[]') from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''))
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'f', 'm') and c.relpersistence <> 't'
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  order by n.nspname collate "C", c.relname collate "C"`;

interface DatabaseRow extends Pick<TargetFacts, 'database' | 'encoding' | 'role' | 'superuser' | 'roles'> {
  readonly mayCreate: boolean;
  readonly extensions: string[];
  readonly schemas: { name: string; owner: string }[];
}

interface TableRow {
  readonly schema: string;
  readonly name: string;
  readonly kind: 'r' | 'p' | 'f' | 'm';
  readonly columns: string[];
}

/** Throws RESTORE_TARGET_UNUSABLE with all the reasons. */
export async function inspectTarget(session: PgSession): Promise<TargetFacts> {
  const database = await readJson<DatabaseRow>(session, DATABASE_SQL);
  await refuseUnusable(session, database);
  const supabase = SUPABASE_ROLES.every((role) => database.roles.includes(role));
  const managed = new Set(supabase ? database.schemas.filter(isManagedSchema).map(({ name }) => name) : []);
  const rows = (await session.query(TABLES_SQL)).map(([json]) => JSON.parse(json!) as TableRow);
  const own = rows.filter(({ schema }) => !managed.has(schema) && schema !== MARKS_SCHEMA);
  const filled = await withRows(session, own);
  return {
    database: database.database,
    serverVersion: session.serverVersion,
    serverVersionNum: session.serverVersionNum,
    encoding: database.encoding,
    role: database.role,
    superuser: database.superuser,
    supabase,
    tables: own.map((table) => ({ ...table, hasRows: filled.has(`${table.schema}.${table.name}`) })),
    managedTables: rows.filter(({ schema, kind }) => managed.has(schema) && kind === 'r'),
    schemas: database.schemas.map(({ name }) => name).filter((name) => name !== MARKS_SCHEMA),
    roles: database.roles,
    availableExtensions: database.extensions,
  };
}

async function refuseUnusable(session: PgSession, { database, role, mayCreate }: DatabaseRow): Promise<void> {
  const problems: string[] = [];
  if (!mayCreate) problems.push(`the role ${role} may not create schemas in ${database}`);
  try {
    await session.query('begin; set local session_replication_role = replica; rollback');
  } catch {
    await session.query('rollback').catch(() => undefined); // the server may have ended the transaction itself
    problems.push(`the role ${role} may not set session_replication_role, which keeps triggers and foreign keys quiet`);
  }
  const [standby] = await session.query("select pg_is_in_recovery(), current_setting('default_transaction_read_only')");
  if (standby?.[0] === 't') problems.push(`${database} is a read replica`);
  else if (standby?.[1] === 'on') problems.push(`${database} is read-only`);
  if (problems.length === 0) return;
  throw ERRORS.RESTORE_TARGET_UNUSABLE(problems.join('; '), { details: { problems } });
}

/** In batches: one query for a thousand tables would need a thousand locks in one plan. */
async function withRows(session: PgSession, tables: readonly TableRow[]): Promise<ReadonlySet<string>> {
  const filled = new Set<string>();
  const asked = tables.filter(({ kind }) => kind === 'r');
  for (let from = 0; from < asked.length; from += 100) {
    const part = asked.slice(from, from + 100);
    const [row] = await session.query(
      `select ${part.map((table) => `exists (select from only ${qualifiedName(table)})`).join(', ')}`,
    );
    part.forEach(({ schema, name }, index) => {
      if (row![index] === 't') filled.add(`${schema}.${name}`);
    });
  }
  return filled;
}

async function readJson<T>(session: PgSession, sql: string): Promise<T> {
  const [row] = await session.query(sql);
  return JSON.parse(row![0]!) as T;
}
