/** The DDL of a restore, read and understood before the first write: which entries run, and which are held back. */
import { qualifiedName, quoteIdentifier } from '../postgres/identifiers.ts';
import type { DumpEntry, HeldBack, RestoreOptions, RestorePlan, TargetFacts } from './contracts.ts';
import type { DdlSection, DdlSections } from './ddl-sections.ts';
import { nameAfter } from './entry-subject.ts';
import { holdBack } from './hold-back.ts';
import { bodiesThatName, renameSchema, type SchemaRename } from './rename-schema.ts';
import { selectEntries } from './select-entries.ts';
import { codeTokens } from './sql-lexer.ts';

export interface PreparedDdl {
  readonly preData: readonly DumpEntry[];
  readonly sequences: readonly DumpEntry[];
  readonly postData: readonly DumpEntry[];
  readonly heldBack: readonly HeldBack[];
  /** For people: what will not be as in the source. */
  readonly notes: readonly string[];
}

/** Throws what reading the sections throws. */
export async function prepareDdl(
  sections: DdlSections,
  { options, plan, target }: { options: RestoreOptions; plan: RestorePlan; target: TargetFacts },
): Promise<PreparedDdl> {
  const notes: string[] = [];
  const rename = options.renameSchema && { ...options.renameSchema, names: options.tables ? new Set<string>() : null };
  const choice = { options, plan, target, notes, rename, sequences: new Set<string>(), untouched: untouchedOf(plan) };
  const read = async (section: DdlSection, wanted: boolean) =>
    wanted ? chosen(await sections.entries(section), choice) : NONE;
  const { schemaSections } = plan;
  // Also where none of it runs: it says which sequences belong to the tables.
  const before = await read('pre-data', schemaSections.preData || schemaSections.sequences);
  const { entries: preData, later: attached } = schemaSections.preData ? before : NONE;
  const { entries: sequences } = await read('sequences', schemaSections.sequences);
  const after = await read('post-data', schemaSections.postData);
  const postData = [...after.entries, ...attached, ...after.later];
  if (rename) {
    const bodies = preData.flatMap(({ sql }) => bodiesThatName(sql, rename.from));
    if (bodies.length > 0)
      notes.push(
        `these functions name the schema ${rename.from} in their bodies, which stay as they are: ${bodies.join(', ')}`,
      );
  }
  if (options.activate) return { preData, sequences, postData, heldBack: [], notes };
  // Also functions that are not chosen: a chosen trigger may call them.
  const functions = needsFunctions(options, schemaSections)
    ? (await sections.entries('pre-data')).map((entry) => (rename ? renamed(entry, rename) : entry))
    : [];
  const held = [holdBack(preData, functions), holdBack(postData, functions)];
  return {
    preData: held[0]!.entries,
    sequences,
    postData: held[1]!.entries,
    heldBack: held.flatMap(({ heldBack }) => heldBack),
    notes,
  };
}

function needsFunctions({ activate }: RestoreOptions, { postData }: RestorePlan['schemaSections']): boolean {
  return !activate && postData;
}

/** Of a section. `later`: for the end of post-data; see Selected. */
interface Chosen {
  readonly entries: readonly DumpEntry[];
  readonly later: readonly DumpEntry[];
}

const NONE: Chosen = { entries: [], later: [] };

/** Tables that the target has and that are not made again, with their sequences, found in the section before. */
interface Untouched {
  readonly action: 'skip' | 'replace';
  readonly tables: readonly { readonly schema: string; readonly name: string }[];
  readonly sequences: Set<string>;
}

function untouchedOf({ tables }: RestorePlan): Untouched[] {
  return (['skip', 'replace'] as const).map((action) => ({
    action,
    tables: tables.filter((one) => one.action === action && !one.table.managed).map(({ table }) => table),
    sequences: new Set(),
  }));
}

interface Choice {
  readonly options: RestoreOptions;
  readonly plan: RestorePlan;
  readonly target: TargetFacts;
  readonly notes: string[];
  /** Where tables were named, what moves grows with the sections: see namesOf. */
  readonly rename: (SchemaRename & { readonly names: Set<string> | null }) | null;
  /** Sequences of the chosen tables, found in the section before. */
  readonly sequences: Set<string>;
  readonly untouched: readonly Untouched[];
}

function chosen(all: readonly DumpEntry[], choice: Choice): Chosen {
  const { options, plan, target, notes, sequences, rename } = choice;
  const { tables } = options;
  const schemas = rename ? [rename.from] : options.schemas;
  const there = new Set([...target.tables, ...target.managedTables].map(qualifiedName));
  const exists = (schema: string, name: string) =>
    there.has(qualifiedName({ schema: schema === rename?.from ? rename.to : schema, name }));
  let found: Chosen = { entries: all, later: [] };
  if (tables || schemas) {
    const selected = selectEntries(all, {
      tables: tables && [...plan.tables.map(({ table }) => table), ...plan.partitioned],
      schemas: tables ? null : schemas,
      exists,
      sequences,
      attachLater: true,
    });
    for (const sequence of selected.sequences) sequences.add(sequence);
    notes.push(...selected.notes);
    found = selected;
  }
  const dropped = entriesOfUntouched(all, choice.untouched);
  const isKept = (entry: DumpEntry) => entry.type === '' || !dropped.has(entry);
  const schemasThere = new Set(target.schemas);
  const kept = found.entries.filter(isKept);
  for (const name of movedNames([...kept, ...found.later])) rename?.names?.add(name);
  const entries = [...missingSchemas(kept, schemasThere, rename?.to ?? null), ...kept]
    .map((entry) => (rename ? renamed(entry, rename) : entry))
    .filter((entry) => entry.type !== 'SCHEMA' || !schemasThere.has(entry.name.replaceAll('"', '')));
  return { entries, later: found.later.filter(isKept).map((entry) => (rename ? renamed(entry, rename) : entry)) };
}

function entriesOfUntouched(all: readonly DumpEntry[], untouched: readonly Untouched[]): Set<DumpEntry> {
  const dropped = new Set<DumpEntry>();
  for (const { action, tables, sequences } of untouched) {
    if (tables.length === 0) continue;
    const theirs = selectEntries(all, { tables, schemas: null, exists: () => true, sequences });
    for (const sequence of theirs.sequences) sequences.add(sequence);
    // Rows that are replaced bring the state of their sequences with them.
    for (const entry of theirs.entries) if (action === 'skip' || entry.type !== 'SEQUENCE SET') dropped.add(entry);
  }
  return dropped;
}

/** A selection has no CREATE SCHEMA of its own for tables alone, and a renamed one has the old name's. */
function missingSchemas(
  entries: readonly DumpEntry[],
  there: ReadonlySet<string>,
  renamedTo: string | null,
): DumpEntry[] {
  if (renamedTo === null || there.has(renamedTo) || !entries.some(({ type }) => type === 'TABLE')) return [];
  const sql = `create schema if not exists ${quoteIdentifier(renamedTo)};
`;
  return [{ type: 'SCHEMA', name: renamedTo, schema: '', owner: '', sql }];
}

/** What a chosen table brings with it into the renamed schema; types and functions that it uses stay where they are. */
const MOVING = new Set([
  'TABLE',
  'FOREIGN TABLE',
  'VIEW',
  'MATERIALIZED VIEW',
  'SEQUENCE',
  'INDEX',
  'CONSTRAINT',
  'STATISTICS',
]);

function movedNames(entries: readonly DumpEntry[]): string[] {
  return entries
    .filter(({ type }) => MOVING.has(type))
    .map(({ type, name, sql }) => (type === 'CONSTRAINT' ? nameAfter(codeTokens(sql), ['CONSTRAINT']).at(-1)! : name));
}

function renamed(entry: DumpEntry, rename: SchemaRename): DumpEntry {
  const { from, to } = rename;
  return {
    ...entry,
    name: entry.type === 'SCHEMA' && entry.name === from ? to : entry.name,
    schema: entry.schema === from ? to : entry.schema,
    sql: renameSchema(entry.sql, rename),
  };
}
