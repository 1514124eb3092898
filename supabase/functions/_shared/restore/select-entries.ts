/** The entries of a dump that named tables or schemas need. Pure. */
import type { DumpEntry } from './contracts.ts';
import { headingName, IDENTIFIER, qualifiedPattern } from './sql-names.ts';

export interface Selection {
  /** null: all of the schemas below. */
  readonly tables: readonly { readonly schema: string; readonly name: string }[] | null;
  readonly schemas: readonly string[] | null;
  /** Is there such a table in the target, for foreign keys that leave the selection? */
  exists(schema: string, name: string): boolean;
  /** Of the section before: sequences that belong to the tables, as `schema.name`. */
  readonly sequences?: ReadonlySet<string>;
}

export interface Selected {
  readonly entries: readonly DumpEntry[];
  /** Sequences that the chosen tables own. */
  readonly sequences: ReadonlySet<string>;
  /** What was left out though a table has it, and why. */
  readonly notes: readonly string[];
}

const OWN = new Set([
  'TABLE',
  'FOREIGN TABLE',
  'TABLE ATTACH',
  'ROW SECURITY',
  'MATERIALIZED VIEW',
  'MATERIALIZED VIEW DATA',
]);
const UNDER = new Set(['CONSTRAINT', 'CHECK CONSTRAINT', 'FK CONSTRAINT', 'TRIGGER', 'RULE', 'POLICY', 'DEFAULT']);

/**
 * Types, functions and extensions that a table needs are expected in the target; the settings at the head of a section
 * stay, but not what Holdfast puts there for a whole database.
 */
export function selectEntries(all: readonly DumpEntry[], selection: Selection): Selected {
  const notes: string[] = [];
  if (selection.tables === null) return ofSchemas(all, selection, notes);
  const sequences = new Set(selection.sequences ?? []);
  const tables = selection.tables;
  for (const entry of all) for (const table of tables) addSequence(entry, table, sequences);
  const indexes = new Set(all.flatMap((entry) => indexOf(entry, tables) ?? []));
  const entries = all.flatMap((entry) => {
    if (entry.type === '') return [settingsOnly(entry)];
    if (!isTheirs(entry, { tables, sequences, indexes })) return [];
    return refersOut(entry, { ...selection, tables }, notes) ? [] : [entry];
  });
  return { entries, sequences, notes };
}

function ofSchemas(all: readonly DumpEntry[], selection: Selection, notes: string[]): Selected {
  const schemas = selection.schemas ?? [];
  const entries = all.flatMap((entry) => {
    if (entry.type === '') return [settingsOnly(entry)];
    const isSchema =
      (entry.type === 'SCHEMA' && schemas.includes(entry.name)) ||
      schemas.some((schema) => entry.name === `SCHEMA ${schema}`);
    if (!isSchema && !schemas.includes(entry.schema)) return [];
    return refersOut(entry, selection, notes) ? [] : [entry];
  });
  return { entries, sequences: new Set(), notes };
}

type Tables = readonly { readonly schema: string; readonly name: string }[];

function isTheirs(
  entry: DumpEntry,
  chosen: { tables: Tables; sequences: ReadonlySet<string>; indexes: ReadonlySet<string> },
): boolean {
  const { type, name, schema } = entry;
  if (['SEQUENCE', 'SEQUENCE OWNED BY', 'SEQUENCE SET'].includes(type))
    return chosen.sequences.has(`${schema}.${name}`);
  if (type === 'INDEX' || type === 'INDEX ATTACH')
    return chosen.indexes.has(keyOf(entry)) || isOn(entry, chosen.tables);
  if (type === 'STATISTICS') return isOn(entry, chosen.tables);
  if (['COMMENT', 'ACL', 'SECURITY LABEL'].includes(type)) return isAbout(entry, chosen);
  return chosen.tables.some((table) => {
    if (table.schema !== schema) return false;
    const own = headingName(table.name);
    return OWN.has(type) ? name === own : UNDER.has(type) && name.startsWith(`${own} `) && isOn(entry, [table]);
  });
}

/** The index that the entry makes on one of the tables, as `schema.name`: of its own, or of a constraint. */
function indexOf(entry: DumpEntry, tables: Tables): string | null {
  if (entry.type === 'INDEX') return isOn(entry, tables) ? keyOf(entry) : null;
  if (entry.type !== 'CONSTRAINT' || !isOn(entry, tables)) return null;
  const owner = tables.find(
    ({ schema, name }) => schema === entry.schema && entry.name.startsWith(`${headingName(name)} `),
  );
  return owner ? `${entry.schema}.${entry.name.slice(headingName(owner.name).length + 1)}` : null;
}

/** `TABLE t`, `COLUMN t.c`, `CONSTRAINT c ON t`, `SEQUENCE s`, `INDEX i`. */
function isAbout(
  { name, schema }: DumpEntry,
  { tables, sequences, indexes }: { tables: Tables; sequences: ReadonlySet<string>; indexes: ReadonlySet<string> },
): boolean {
  const [, kind, rest = ''] = /^([A-Z]+(?: [A-Z]+)*) (.*)$/.exec(name) ?? [];
  const bare = rest.replaceAll('"', '');
  if (kind === 'SEQUENCE') return sequences.has(`${schema}.${bare}`);
  if (kind === 'INDEX') return indexes.has(`${schema}.${bare}`);
  return tables.some((table) => {
    if (table.schema !== schema) return false;
    const own = headingName(table.name).replaceAll('"', '');
    if (kind === 'TABLE' || kind === 'FOREIGN TABLE') return bare === own;
    if (kind === 'COLUMN') return bare.startsWith(`${own}.`);
    return ['CONSTRAINT', 'TRIGGER', 'POLICY', 'RULE'].includes(kind ?? '') && bare.endsWith(` ON ${own}`);
  });
}

/** Does its SQL name one of the tables where it says what it is on? */
function isOn({ sql }: DumpEntry, tables: Tables): boolean {
  return tables.some(({ schema, name }) =>
    new RegExp(`\\b(?:ON|TABLE|FROM|TO)(?: ONLY)? ${qualifiedPattern(schema, name)}(?=[\\s;(])`).test(sql),
  );
}

function addSequence({ type, name, schema, sql }: DumpEntry, table: Tables[number], sequences: Set<string>): void {
  const owner = qualifiedPattern(table.schema, table.name);
  const owned =
    (type === 'SEQUENCE OWNED BY' && new RegExp(`OWNED BY ${owner}\\.`).test(sql)) ||
    (type === 'SEQUENCE' && new RegExp(`ALTER TABLE ${owner} ALTER COLUMN ${IDENTIFIER} ADD GENERATED`).test(sql));
  if (owned) sequences.add(`${schema}.${name}`);
}

/** A foreign key to a table that will not be there would end the restore. */
function refersOut({ type, name, sql }: DumpEntry, { tables, schemas, exists }: Selection, notes: string[]): boolean {
  if (type !== 'FK CONSTRAINT') return false;
  const [, schemaText, tableText] = new RegExp(`REFERENCES (${IDENTIFIER})\\.(${IDENTIFIER})`).exec(sql) ?? [];
  if (!schemaText || !tableText) return false;
  const [schema, table] = [plainName(schemaText), plainName(tableText)];
  const inside = tables ? tables.some((one) => one.schema === schema && one.name === table) : schemas?.includes(schema);
  if (inside || exists(schema, table)) return false;
  notes.push(`the foreign key ${name} is left out: ${schema}.${table} is not restored and not in the target`);
  return true;
}

export function plainName(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text;
}

function settingsOnly(entry: DumpEntry): DumpEntry {
  const lines = entry.sql.split('\n').filter((line) => /^(SET \w+ = |SELECT pg_catalog\.set_config\()/.test(line));
  return { ...entry, sql: `${lines.join('\n')}\n` };
}

const keyOf = ({ schema, name }: DumpEntry) => `${schema}.${name}`;
