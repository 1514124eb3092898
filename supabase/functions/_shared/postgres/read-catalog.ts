/** Reads all that a backup must know of a database in five queries, whatever the number of tables. */

import { COLUMNS_SQL, DATABASE_SQL, SCHEMAS_SQL, TABLES_SQL } from './catalog-sql.ts';
import type { Catalog, Column, Table } from './catalog-types.ts';
import { isManagedSchema, MANAGED_DATA, NEVER_COPIED, SUPABASE_ROLES } from './managed-schemas.ts';
import { readSequences } from './read-sequences.ts';
import type { PgSession } from './session.ts';

interface DatabaseRow {
  name: string;
  blockSize: number;
  encoding: string;
  roles: string[];
  extensions: Catalog['extensions'];
  largeObjects: number;
}
interface SchemaRow {
  name: string;
  owner: string;
  holdfast: boolean;
}
type ColumnRow = [
  name: string,
  type: string,
  typeOid: number,
  baseTypeOid: number,
  notNull: boolean,
  generated: boolean,
  identity: boolean,
];
interface TableRow extends Omit<Table, 'columns' | 'managed' | 'blocks'> {
  extension: boolean;
}

/** Holdfast's own queue and journal: of no use in a restored database, and changing while the backup runs. */
const HOLDFAST_TRANSIENT = new Set(['task', 'ticket', 'setting', 'run_table', 'segment']);

/**
 * The tables whose rows a backup can take (kind r), and those it must know of. Left out: what the platform or an
 * extension fills (an extension's configuration tables stay), temporary tables, Holdfast's own queue.
 * Run it inside the transaction of the snapshot. Throws QUERY_FAILED, DATABASE_CONNECTION_LOST.
 */
export async function readCatalog(session: PgSession): Promise<Catalog> {
  const database = await readJson<DatabaseRow>(session, DATABASE_SQL);
  const schemas = new Map((await readJson<SchemaRow[]>(session, SCHEMAS_SQL)).map((schema) => [schema.name, schema]));
  const supabase = SUPABASE_ROLES.every((role) => database.roles.includes(role));
  const managed = new Set(supabase ? [...schemas.values()].filter(isManagedSchema).map((schema) => schema.name) : []);
  const columns = await readColumns(session);
  const tables: Table[] = [];
  for (const [json] of await session.query(TABLES_SQL)) {
    const { extension, ...table } = JSON.parse(json!) as TableRow;
    const schema = schemas.get(table.schema);
    if (schema === undefined || !holdsUserData(table, { managed, extension, holdfast: schema.holdfast })) continue;
    tables.push({
      ...table,
      columns: columns.get(table.oid) ?? [],
      managed: managed.has(table.schema),
      blocks: Math.ceil(table.heapBytes / database.blockSize),
    });
  }
  return {
    databaseName: database.name,
    serverVersion: session.serverVersion,
    serverVersionNum: session.serverVersionNum,
    blockSize: database.blockSize,
    encoding: database.encoding,
    supabase,
    managedSchemas: [...managed].sort(),
    tables,
    extensions: database.extensions,
    unreadableSequences: await readUnreadableSequences(session, managed),
    largeObjectCount: database.largeObjects,
  };
}

function holdsUserData(
  table: { schema: string; name: string; configCondition?: string | null },
  facts: { managed: ReadonlySet<string>; extension: boolean; holdfast: boolean },
): boolean {
  const ofPlatform = facts.managed.has(table.schema);
  if ((ofPlatform || facts.extension) && NEVER_COPIED.has(table.schema)) return false;
  if (ofPlatform) return MANAGED_DATA[table.schema]?.includes(table.name) === false && !facts.extension;
  if (facts.holdfast && HOLDFAST_TRANSIENT.has(table.name)) return false;
  // null: an extension's table that it does not declare as configuration is created filled by the extension.
  return !facts.extension || table.configCondition !== null;
}

/** Sequences of the platform go with its rows where those are taken, and are never taken elsewhere. */
async function readUnreadableSequences(
  session: PgSession,
  managed: ReadonlySet<string>,
): Promise<Catalog['unreadableSequences']> {
  const sequences = await readSequences(session, { unreadable: true });
  return sequences
    .filter(({ schema }) => !managed.has(schema) || schema in MANAGED_DATA)
    .map(({ schema, name, owner }) => ({ schema, name, owner }));
}

async function readJson<T>(session: PgSession, sql: string): Promise<T> {
  const [row] = await session.query(sql);
  return JSON.parse(row![0]!) as T;
}

async function readColumns(session: PgSession): Promise<Map<number, Column[]>> {
  const columns = new Map<number, Column[]>();
  for (const [oid, json] of await session.query(COLUMNS_SQL)) {
    columns.set(Number(oid), (JSON.parse(json!) as ColumnRow[]).map(toColumn));
  }
  return columns;
}

function toColumn([name, type, typeOid, baseTypeOid, notNull, generated, identity]: ColumnRow): Column {
  return { name, type, typeOid, baseTypeOid, notNull, generated, identity };
}
