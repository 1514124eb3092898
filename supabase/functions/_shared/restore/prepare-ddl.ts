/** The DDL of a restore, read and understood before the first write: which entries run, and which are held back. */
import type { Manifest } from '../domain/manifest-types.ts';
import { ERRORS } from '../errors.ts';
import { quoteIdentifier } from '../postgres/identifiers.ts';
import type { Archive, DumpEntry, HeldBack, RestoreOptions, RestorePlan, TargetFacts } from './contracts.ts';
import { holdBack } from './hold-back.ts';
import { bodiesThatName, renameSchema } from './rename-schema.ts';
import { selectEntries } from './select-entries.ts';
import { splitDump } from './split-dump.ts';
import { splitSequences } from './split-sequences.ts';

export interface PreparedDdl {
  readonly preData: readonly DumpEntry[];
  readonly sequences: readonly DumpEntry[];
  readonly postData: readonly DumpEntry[];
  readonly heldBack: readonly HeldBack[];
  /** For people: what will not be as in the source. */
  readonly notes: readonly string[];
}

/** A schema of ten thousand tables is a tenth of it; more is no dump of ours. */
const MAX_SECTION_CHARS = 256 * 1024 * 1024;

/** Throws what reading the archive throws, and ARCHIVE_DAMAGED for a section that is too large to be one. */
export async function prepareDdl(
  archive: Archive,
  { options, plan, target }: { options: RestoreOptions; plan: RestorePlan; target: TargetFacts },
): Promise<PreparedDdl> {
  const notes: string[] = [];
  const choice = { options, plan, target, notes, sequences: new Set<string>(), skipped: new Set<string>() };
  const read = async (kind: 'pre-data' | 'sequences' | 'post-data', wanted: boolean) =>
    wanted ? chosen(split(kind)(await sectionText(archive, kind)), choice) : [];
  const { schemaSections } = plan;
  // Also functions that are not chosen: a chosen trigger may call them.
  const functions = needsFunctions(options, schemaSections)
    ? splitDump(await sectionText(archive, 'pre-data')).map((entry) =>
        options.renameSchema ? renamed(entry, options.renameSchema) : entry,
      )
    : [];
  // Also where none of it runs: it says which sequences belong to the tables.
  const before = await read('pre-data', schemaSections.preData || schemaSections.sequences);
  const preData = schemaSections.preData ? before : [];
  const sequences = await read('sequences', schemaSections.sequences);
  const postData = await read('post-data', schemaSections.postData);
  const rename = options.renameSchema;
  if (rename) {
    const bodies = preData.flatMap(({ sql }) => bodiesThatName(sql, rename.from));
    if (bodies.length > 0)
      notes.push(
        `these functions name the schema ${rename.from} in their bodies, which stay as they are: ${bodies.join(', ')}`,
      );
  }
  if (options.activate) return { preData, sequences, postData, heldBack: [], notes };
  const held = [holdBack(preData, functions), holdBack(postData, functions)];
  return {
    preData: held[0]!.entries,
    sequences,
    postData: held[1]!.entries,
    heldBack: held.flatMap(({ heldBack }) => heldBack),
    notes,
  };
}

/** Values of sequences are lines without headings. */
const split = (kind: string) => (kind === 'sequences' ? splitSequences : splitDump);

function needsFunctions({ activate }: RestoreOptions, { postData }: RestorePlan['schemaSections']): boolean {
  return !activate && postData;
}

async function sectionText({ manifest, read }: Archive, kind: 'pre-data' | 'sequences' | 'post-data'): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const parts: string[] = [];
  let chars = 0;
  for (const path of pathsOf(manifest, kind)) {
    for await (const bytes of read(path)) {
      parts.push(decoder.decode(bytes, { stream: true }));
      chars += bytes.length;
      if (chars > MAX_SECTION_CHARS)
        throw ERRORS.ARCHIVE_DAMAGED(`${path}: a section of DDL must be at most ${MAX_SECTION_CHARS} bytes`);
    }
  }
  return parts.join('') + decoder.decode();
}

/** In the order of a restore. */
export function pathsOf({ schema, objects }: Manifest, kind: Manifest['objects'][number]['kind']): string[] {
  const kinds = new Map(objects.map((object) => [object.path, object.kind]));
  return schema.sections.filter((path) => kinds.get(path) === kind);
}

interface Choice {
  readonly options: RestoreOptions;
  readonly plan: RestorePlan;
  readonly target: TargetFacts;
  readonly notes: string[];
  /** Sequences of the chosen tables, found in the section before. */
  readonly sequences: Set<string>;
  /** Of the tables that stay as they are. */
  readonly skipped: Set<string>;
}

function chosen(all: readonly DumpEntry[], { options, plan, target, notes, sequences, skipped }: Choice): DumpEntry[] {
  const { tables, renameSchema: rename } = options;
  const schemas = rename ? [rename.from] : options.schemas;
  const exists = (schema: string, name: string) =>
    target.tables.some((one) => one.schema === schema && one.name === name) ||
    target.managedTables.some((one) => one.schema === schema && one.name === name);
  let entries = [...all];
  if (tables || schemas) {
    const selected = selectEntries(entries, {
      tables: tables && plannedNames(plan, exists),
      schemas: tables ? null : schemas,
      exists,
      sequences,
    });
    for (const sequence of selected.sequences) sequences.add(sequence);
    entries = [...selected.entries];
    notes.push(...selected.notes);
  }
  const dropped = new Set<DumpEntry>();
  for (const { table, action } of plan.tables) {
    if (table.managed || (action !== 'skip' && action !== 'replace')) continue;
    const theirs = selectEntries(all, { tables: [table], schemas: null, exists: () => true, sequences: skipped });
    for (const sequence of theirs.sequences) skipped.add(sequence);
    // Rows that are replaced bring the state of their sequences with them.
    for (const entry of theirs.entries) if (action === 'skip' || entry.type !== 'SEQUENCE SET') dropped.add(entry);
  }
  entries = entries.filter((entry) => entry.type === '' || !dropped.has(entry));
  const there = new Set(target.schemas);
  const missing = missingSchemas(entries, there, rename?.to ?? null);
  return [...missing, ...entries]
    .map((entry) => (rename ? renamed(entry, rename) : entry))
    .filter((entry) => entry.type !== 'SCHEMA' || !there.has(entry.name.replaceAll('"', '')));
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

/** With the partitioned tables at the root of partitions, where the target does not have them. */
function plannedNames(
  { tables }: RestorePlan,
  exists: (schema: string, name: string) => boolean,
): { schema: string; name: string }[] {
  const roots = tables
    .flatMap(({ table }) => table.partition_root ?? [])
    .filter(({ schema, name }) => !exists(schema, name));
  return [...tables.map(({ table }) => table), ...roots];
}

function renamed(entry: DumpEntry, { from, to }: { from: string; to: string }): DumpEntry {
  return {
    ...entry,
    name: entry.type === 'SCHEMA' && entry.name === from ? to : entry.name,
    schema: entry.schema === from ? to : entry.schema,
    sql: renameSchema(entry.sql, from, to),
  };
}
