/** The SQL that restore.sh sends to psql around the rows of one table. */
import type { FormatName } from '../domain/formats.ts';
import type { ManifestTable } from '../domain/manifest-types.ts';
import { displayName } from './display-name.ts';

/** Rows go between `beforeSegment` and psql's end mark `\.`; all of it is one transaction per table. */
export interface LoadSql {
  readonly beforeTable: string;
  readonly beforeSegment: string;
  readonly afterSegment: string;
  readonly afterTable: string;
}

type TableFacts = Pick<ManifestTable, 'schema' | 'name' | 'columns' | 'managed' | 'json_null_columns'>;

export function loadSql(table: TableFacts, format: FormatName): LoadSql {
  if (table.managed) return managedSql(table, format);
  const rows = { columns: table.columns, jsonNulls: Object.keys(table.json_null_columns ?? {}) };
  return { beforeTable: '', ...segmentSql(relation(table), rows, format), afterTable: '' };
}

/** Prints a line when the table has another number of rows than the backup; psql prints nothing else for it. */
export function countSql(table: TableFacts, rows: number): string {
  const name = literal(displayName(`${table.schema}.${table.name}`));
  return `select ${name} || ': ' || count(*) || ' rows instead of ${rows}' from only ${relation(table)} having count(*) <> ${rows};`;
}

function segmentSql(
  target: string,
  { columns, jsonNulls }: { columns: readonly string[]; jsonNulls: readonly string[] },
  format: FormatName,
) {
  const list = columns.map(identifier).join(', ');
  const into = list === '' ? target : `${target} (${list})`;
  if (format === 'copy') return { beforeSegment: `copy ${into} from stdin;`, afterSegment: '' };
  if (format === 'csv')
    return { beforeSegment: `copy ${into} from stdin with (format csv, header true);`, afterSegment: '' };
  // What may not be NULL was JSON null, and becomes it again.
  const value = (column: string) =>
    jsonNulls.includes(column)
      ? `case when ${identifier(column)} is null and exists (select from pg_attribute where attrelid = ${literal(target)}::regclass ` +
        `and attname = ${literal(column)} and attnotnull) then 'null' else ${identifier(column)} end`
      : identifier(column);
  return {
    // The whole file as one text value: rows may span lines, and a json column must come back as it was written.
    beforeSegment:
      'create temp table holdfast_file (content text) on commit drop;\ncopy pg_temp.holdfast_file from stdin;',
    afterSegment:
      `insert into ${into} overriding system value select ${columns.map(value).join(', ')}\n` +
      `  from json_populate_recordset(null::${target}, (select content::json -> 'data' from pg_temp.holdfast_file));\n` +
      'drop table pg_temp.holdfast_file;',
  };
}

const STAGE = 'pg_temp.holdfast_rows';

/**
 * The platform creates these tables, maybe in another version: rows go through a temporary table, only columns that
 * both sides have are taken, and rows that the target already has stay as they are. psql prints what was left out.
 */
function managedSql(table: TableFacts, format: FormatName): LoadSql {
  const target = relation(table);
  const name = literal(displayName(`${table.schema}.${table.name}`));
  const names = `array[${table.columns.map(literal).join(', ')}]::text[]`;
  const common =
    `from pg_attribute where attrelid = ${literal(target)}::regclass and attnum > 0 and not attisdropped\n` +
    `  and attgenerated = '' and attname = any (${names})`;
  const list = "string_agg(quote_ident(attname), ', ' order by attnum)";
  return {
    beforeTable: [
      `select ${name} || ': the target has no column ' || quote_ident(name) || ', its values are left out' from unnest(${names}) name`,
      `  where not exists (select ${common} and attname = name);`,
      `select 'create temp table holdfast_rows on commit drop as select ' || ${list} || ${literal(` from ${target} with no data`)}`,
      `  ${common} \\gexec`,
      ...table.columns.map((column) => `alter table ${STAGE} add column if not exists ${identifier(column)} text;`),
    ].join('\n'),
    ...segmentSql(STAGE, { columns: table.columns, jsonNulls: [] }, format),
    afterTable: [
      `select ${literal(`with taken as (insert into ${target} (`)} || ${list} || ') overriding system value select ' || ${list}`,
      `    || ${literal(` from ${STAGE} on conflict do nothing returning 1)\n${keptSql(name)}`)}`,
      `  ${common} \\gexec`,
    ].join('\n'),
  };
}

/** Says how many rows of the temporary table the insert named `taken` did not take. */
function keptSql(name: string): string {
  return (
    `select ${name} || ': ' || total - new || ' of ' || total || ' rows were in the target already and stay as they are there'\n` +
    `  from (select (select count(*) from ${STAGE}) as total, (select count(*) from taken) as new) counts where new < total`
  );
}

/** Prints the platform's tables that the target does not have. */
export function missingTablesSql(tables: readonly Pick<ManifestTable, 'schema' | 'name'>[]): string {
  const rows = tables.map((table) => `(${literal(table.schema)}, ${literal(table.name)})`).join(',\n  ');
  return (
    `select n || '.' || t from (values\n  ${rows}) v (n, t)\n` +
    '  where not exists (select from pg_class c join pg_namespace s on s.oid = c.relnamespace\n' +
    "    where s.nspname = n and c.relname = t and c.relkind in ('r', 'p')) order by 1;"
  );
}

/** Prints up to ten tables of the target that neither the system, an extension nor the platform owns. */
export function foreignTablesSql(managedSchemas: readonly string[]): string {
  const managed = `array[${managedSchemas.map(literal).join(', ')}]::text[]`;
  return (
    "select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace\n" +
    "  where c.relkind in ('r', 'p', 'f', 'm') and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'\n" +
    `    and n.nspname <> all (${managed})\n` +
    "    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')\n" +
    '  order by 1 limit 10;'
  );
}

function relation(table: Pick<ManifestTable, 'schema' | 'name'>): string {
  return `${identifier(table.schema)}.${identifier(table.name)}`;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Right with standard_conforming_strings on, which the script sets. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
