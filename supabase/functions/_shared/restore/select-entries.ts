/** The entries of a dump that named tables or schemas need. Pure. */
import type { DumpEntry } from './contracts.ts';
import { indexOf, isWord, nameAfter, type Subject, subjectOf } from './entry-subject.ts';
import { codeTokens } from './sql-lexer.ts';
import { headingName } from './sql-names.ts';
import { RESUME_DEFAULT_PRIVILEGES, SUSPEND_DEFAULT_PRIVILEGES } from './suspend-default-privileges.ts';

export interface Selection {
  /** null: all of the schemas below. */
  readonly tables: readonly { readonly schema: string; readonly name: string }[] | null;
  readonly schemas: readonly string[] | null;
  /** Is there such a table in the target, for what leaves the selection: foreign keys, parents of partitions? */
  exists(schema: string, name: string): boolean;
  /** Of the section before: sequences that belong to the tables, as `schema.name`. */
  readonly sequences?: ReadonlySet<string>;
  /** True: partitions of a parent that is in the target already are attached by `later`, not by `entries`. */
  readonly attachLater?: boolean;
}

export interface Selected {
  readonly entries: readonly DumpEntry[];
  /** Sequences that the chosen tables own. */
  readonly sequences: ReadonlySet<string>;
  /** What was left out though a table has it, and why. */
  readonly notes: readonly string[];
  /**
   * For the end of post-data, that of pre-data first: a partition joins a parent that is there once it has its own keys
   * and indexes. Attached before, it would be given the parent's, and its own would be there already.
   */
  readonly later: readonly DumpEntry[];
}

/**
 * Types, functions and extensions that a table needs are expected in the target; the settings at the head of a section
 * stay, but not what Holdfast puts there for a whole database.
 */
export function selectEntries(all: readonly DumpEntry[], selection: Selection): Selected {
  const sequences = new Set(selection.sequences ?? []);
  const isChosen = selection.tables ? ofTables(all, selection.tables, sequences) : ofSchemas(selection.schemas ?? []);
  const entries: DumpEntry[] = [];
  const notes: string[] = [];
  const later: DumpEntry[] = [];
  const indexes = indexKeys(all, isChosen);
  for (const entry of all) {
    if (entry.type === '') entries.push(settingsOnly(entry));
    else if (isChosen(entry)) {
      const place = placeOf(entry, { selection, indexes });
      if (place === 'entries') entries.push(entry);
      else if (place === 'later') later.push(entry);
      else if (place !== '') notes.push(place);
    }
  }
  return { entries: withOwnGrants(entries), sequences, notes, later };
}

/** What new objects are granted by default; MATERIALIZED VIEW may come in post-data, where each entry is alone. */
const GRANTED = new Set([
  ...['TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE', 'SCHEMA'],
  ...['FUNCTION', 'PROCEDURE', 'AGGREGATE', 'TYPE', 'DOMAIN'],
]);

/** With the target's default privileges suspended while the objects are made, in pre-data. */
function withOwnGrants(entries: readonly DumpEntry[]): DumpEntry[] {
  const first = entries.findIndex(({ type }) => GRANTED.has(type));
  if (first < 0 || entries.some(({ type }) => type === 'CONSTRAINT' || type === 'INDEX')) return [...entries];
  const entry = { type: 'DEFAULT ACL', schema: '', owner: '' };
  return [
    ...entries.slice(0, first),
    { ...entry, name: 'default privileges suspended', sql: SUSPEND_DEFAULT_PRIVILEGES },
    ...entries.slice(first),
    { ...entry, name: 'default privileges resumed', sql: RESUME_DEFAULT_PRIVILEGES },
  ];
}

type Tables = NonNullable<Selection['tables']>;
type IsChosen = (entry: DumpEntry) => boolean;

function ofSchemas(schemas: readonly string[]): IsChosen {
  return (entry) => {
    const subject = subjectOf(entry);
    return schemas.includes(subject?.kind === 'schema' ? subject.name : entry.schema);
  };
}

/** Adds the sequences that the tables own to the set. */
function ofTables(all: readonly DumpEntry[], tables: Tables, sequences: Set<string>): IsChosen {
  const wanted = new Set(tables.map((table) => keyOf({ ...table, name: headingName(table.name) })));
  const isWanted = ({ schema, name }: { schema: string; name: string }) =>
    wanted.has(keyOf({ schema, name: headingName(name) }));
  for (const entry of all) {
    const owner = sequenceOwner(entry);
    if (owner && isWanted(owner)) sequences.add(keyOf(entry));
  }
  const isTable: IsChosen = (entry) => {
    const subject = subjectOf(entry);
    return subject?.kind === 'table' && isWanted(subject);
  };
  const indexes = indexKeys(all, isTable);
  const statistics = new Set(all.filter((entry) => entry.type === 'STATISTICS' && isTable(entry)).map(keyOf));
  const byKind: Partial<Record<Subject['kind'], ReadonlySet<string>>> = {
    sequence: sequences,
    index: indexes,
    statistics,
  };
  return (entry) => {
    if (entry.type === 'INDEX ATTACH') return indexes.has(keyOf(entry));
    if (entry.type.startsWith('PUBLICATION')) return isWanted(publishedTable(entry));
    const subject = subjectOf(entry);
    if (!subject) return false;
    return subject.kind === 'table' ? isWanted(subject) : (byKind[subject.kind]?.has(keyOf(subject)) ?? false);
  };
}

/** Names of the indexes that the chosen entries make. */
function indexKeys(all: readonly DumpEntry[], isChosen: IsChosen): Set<string> {
  return new Set(all.flatMap((entry) => (isChosen(entry) ? indexOf(entry) : null) ?? []).map(keyOf));
}

/** `entries`, `later`, '' for left out, or a note that says why it is. */
function placeOf(
  entry: DumpEntry,
  { selection, indexes }: { selection: Selection; indexes: ReadonlySet<string> },
): string {
  const { type, schema, name } = entry;
  if (type === 'FK CONSTRAINT') {
    const [to, table] = nameAfter(codeTokens(entry.sql), ['REFERENCES']);
    if (to === undefined || table === undefined || isInside(selection, to, table) || selection.exists(to, table))
      return 'entries';
    return `the foreign key ${name} is left out: ${to}.${table} is not restored and not in the target`;
  }
  if (type === 'TABLE ATTACH') {
    const [to, parent] = nameAfter(codeTokens(entry.sql), ['TABLE']);
    if (isInside(selection, to!, parent!)) return 'entries';
    if (selection.exists(to!, parent!)) return selection.attachLater ? 'later' : 'entries';
    return `${schema}.${name} becomes a table of its own: ${to}.${parent}, which it is a partition of, is not restored and not in the target`;
  }
  if (type === 'INDEX ATTACH') {
    const [to, index] = nameAfter(codeTokens(entry.sql), ['INDEX']);
    // The index of a parent that is there takes the partition's when the partition is attached.
    return !selection.attachLater || indexes.has(`${to}.${index}`) ? 'entries' : '';
  }
  // A partition's own setting of its parent's trigger, which it has once it is attached.
  if (type === 'TRIGGER' && !isWord(codeTokens(entry.sql)[0], 'CREATE'))
    return selection.attachLater ? 'later' : 'entries';
  if (type.startsWith('PUBLICATION'))
    return `${publishedName(entry)} is not added to the publication ${nameAfter(codeTokens(entry.sql), ['PUBLICATION'])[0]}, which is not restored`;
  return 'entries';
}

function isInside({ tables, schemas }: Selection, schema: string, name: string): boolean {
  return tables
    ? tables.some((one) => one.schema === schema && one.name === name)
    : (schemas?.includes(schema) ?? false);
}

function publishedTable({ sql }: DumpEntry): { schema: string; name: string } {
  const [schema = '', name = ''] = nameAfter(codeTokens(sql), ['TABLE']);
  return { schema, name };
}

function publishedName(entry: DumpEntry): string {
  const { schema, name } = publishedTable(entry);
  return name === '' ? `the schema ${entry.schema}` : `${schema}.${name}`;
}

/** The table that a sequence belongs to, by OWNED BY or as its identity; null: it belongs to none. */
function sequenceOwner(entry: DumpEntry): { schema: string; name: string } | null {
  if (entry.type !== 'SEQUENCE' && entry.type !== 'SEQUENCE OWNED BY') return null;
  let owner = owners.get(entry);
  if (owner === undefined) {
    const [schema, name] = nameAfter(codeTokens(entry.sql), entry.type === 'SEQUENCE' ? ['TABLE'] : ['BY']);
    owner = schema === undefined || name === undefined ? null : { schema, name };
    owners.set(entry, owner);
  }
  return owner;
}

/** Entries do not change, and a restore selects the entries of many tables, each by itself. */
const owners = new WeakMap<DumpEntry, { schema: string; name: string } | null>();

function settingsOnly(entry: DumpEntry): DumpEntry {
  const lines = entry.sql.split('\n').filter((line) => /^(SET \w+ = |SELECT pg_catalog\.set_config\()/.test(line));
  return { ...entry, sql: `${lines.join('\n')}\n` };
}

const keyOf = ({ schema, name }: { schema: string; name: string }) => `${schema}.${name}`;
