/** From a manifest, options and a target to what a restore will do. Pure: nothing is read or written here. */
import type { Manifest, ManifestTable } from '../domain/manifest-types.ts';
import { ERRORS } from '../errors.ts';
import { choosePartitioned } from './choose-partitioned.ts';
import { chooseRestored } from './choose-restored.ts';
import type { PlannedPhase, PlannedTable, RestoreOptions, RestorePlan, TargetFacts } from './contracts.ts';
import type { PartitionTree } from './partition-tree.ts';
import { MARKS_SCHEMA } from './restore-marks.ts';
import { type PhaseOf, phaseTable } from './restore-phases.ts';

/** Raw bytes a second of measured restores (docs/benchmark.md); what is said of time is said to be a guess. */
const BYTES_PER_SECOND = 40e6;
const SECONDS_AROUND = 2;

export interface Surroundings {
  readonly target: TargetFacts;
  readonly phaseOf: PhaseOf;
  readonly partitions: PartitionTree;
  /** See RestoreMeans. */
  readonly withoutExtensions?: readonly string[];
}

/**
 * Throws TABLE_UNKNOWN for names that the backup does not have, RESTORE_CONFLICT for tables that the target has, and
 * RESTORE_TARGET_UNUSABLE when the target cannot hold it; each with all the problems.
 */
export function planRestore(
  manifest: Manifest,
  options: RestoreOptions,
  { target, phaseOf, partitions, withoutExtensions = [] }: Surroundings,
): RestorePlan {
  refuseTarget(manifest, options, { target, withoutExtensions });
  const notes: string[] = [];
  const misshapen: string[] = [];
  const chosen = chooseRestored(manifest, options, partitions);
  const planned = chosen.map((table) => planTable(table, { manifest, options, target, phaseOf, notes, misshapen }));
  refuseConflicts(planned, options, target);
  refuseMisshapen(misshapen);
  const tables = planned.map(({ conflict: _, ...table }) => table).sort(byPhase);
  const data = options.only === 'schema' ? [] : tables.filter(({ action }) => action !== 'skip');
  const totals = sum(data);
  return {
    backupId: manifest.backup_id,
    takenAt: manifest.consistency.taken_at,
    tables,
    partitioned: choosePartitioned(chosen, options, { target, partitions, known: manifest.tables }),
    phases: phasesOf(data),
    schemaSections: sectionsOf(manifest, options),
    totals,
    expectedSeconds: Math.round(SECONDS_AROUND + totals.rawBytes / BYTES_PER_SECOND),
    notes: [
      ...notes,
      ...withoutNotes(missingExtensions(manifest, target), withoutExtensions),
      ...generalNotes(manifest, options, target),
    ],
    tolerant: isTolerant(options, target),
  };
}

/** See RestorePlan. */
export function isTolerant({ onConflict }: RestoreOptions, { tables }: Pick<TargetFacts, 'tables'>): boolean {
  return onConflict !== 'fail' && tables.length > 0;
}

function refuseTarget(
  manifest: Manifest,
  options: RestoreOptions,
  { target, withoutExtensions }: { target: TargetFacts; withoutExtensions: readonly string[] },
): void {
  const major = (version: number) => Math.floor(version / 10_000);
  const problems: string[] = [];
  if (major(target.serverVersionNum) < major(manifest.source.server_version_num)) {
    problems.push(
      `the target is PostgreSQL ${major(target.serverVersionNum)}, the source was ${major(manifest.source.server_version_num)}: a restore goes to the same or a newer major`,
    );
  }
  if (manifest.source.encoding !== target.encoding && target.encoding !== 'UTF8') {
    problems.push(`the target's encoding is ${target.encoding}, the source's ${manifest.source.encoding}`);
  }
  if (manifest.data_format === 'sql') {
    problems.push('this backup is one file of SQL, which only its own restore.sh restores');
  }
  problems.push(...renameProblems(manifest, options, target));
  const missing = options.only === 'data' ? [] : missingExtensions(manifest, target);
  const refused = missing.filter((name) => !withoutExtensions.includes(name));
  if (refused.length > 0) problems.push(`the target's server does not have the extensions ${refused.join(', ')}`);
  if (problems.length > 0) throw ERRORS.RESTORE_TARGET_UNUSABLE(problems.join('; '), { details: { problems } });
}

/** What is the platform's is neither moved nor added to; a plan that ignored the new name would write into the live rows. */
function renameProblems(
  { tables, schema }: Manifest,
  { renameSchema }: RestoreOptions,
  { managedTables, supabase }: TargetFacts,
): string[] {
  if (renameSchema === null) return [];
  const { from, to } = renameSchema;
  const taken = supabase && [...schema.managed_schemas, ...managedTables.map((table) => table.schema)].includes(to);
  return [
    ...(tables.some((table) => table.managed && table.schema === from)
      ? [`the schema ${from} belongs to the platform: its rows go into the platform's own tables, not into ${to}`]
      : []),
    ...(taken ? [`the schema ${to} belongs to the platform: nothing is renamed to it`] : []),
    ...(to === MARKS_SCHEMA ? [`the schema ${to} is removed when a restore ends: nothing is renamed to it`] : []),
  ];
}

/** Those of the backup that CREATE EXTENSION does not know in the target. */
export function missingExtensions(manifest: Manifest, target: Pick<TargetFacts, 'availableExtensions'>): string[] {
  if (manifest.scope !== 'full') return []; // a backup of named tables brings no extensions
  return manifest.schema.extensions
    .map(({ name }) => name)
    .filter((name) => !target.availableExtensions.includes(name));
}

interface Planning {
  readonly manifest: Manifest;
  readonly options: RestoreOptions;
  readonly target: TargetFacts;
  readonly phaseOf: PhaseOf;
  readonly notes: string[];
  /** Tables of the target that lack columns of the backup, with their names. */
  readonly misshapen: string[];
}

type Considered = PlannedTable & { readonly conflict: boolean };

function planTable(table: ManifestTable, planning: Planning): Considered {
  const { options, target, phaseOf } = planning;
  const phase = phaseOf(table);
  if (table.managed) return planManaged(table, planning, phase);
  const place = { schema: renamed(table.schema, options), name: table.name };
  const existing = target.tables.find(({ schema, name }) => schema === place.schema && name === place.name);
  const base = { table, target: place, phase, columns: table.columns };
  const lacking = existing ? table.columns.filter((column) => !existing.columns.includes(column)) : [];
  const intoExisting = options.only === 'data' || options.onConflict === 'replace';
  if (lacking.length > 0 && intoExisting)
    planning.misshapen.push(`${place.schema}.${place.name} (${lacking.join(', ')})`);
  const occupied = options.only === 'data' ? existing?.hasRows === true : existing !== undefined;
  if (options.only === 'data' && existing === undefined) return { ...base, action: 'load', conflict: true };
  if (!occupied) return { ...base, action: 'load', conflict: false };
  if (options.onConflict === 'skip') return { ...base, action: 'skip', conflict: false };
  return { ...base, action: 'replace', conflict: options.onConflict === 'fail' };
}

/** The platform makes these tables, maybe in another version: what both sides have is taken, what is there stays. */
function planManaged(table: ManifestTable, { target, notes }: Planning, phase: number): Considered {
  const place = { schema: table.schema, name: table.name };
  const found = target.managedTables.find(({ schema, name }) => schema === table.schema && name === table.name);
  const base = { table, target: place, phase, conflict: false };
  if (!found) {
    if (table.rows > 0) {
      notes.push(
        `${table.schema}.${table.name} belongs to the platform and the target does not have it: its ${table.rows} rows are left out`,
      );
    }
    return { ...base, action: 'skip', columns: [] };
  }
  const columns = table.columns.filter((column) => found.columns.includes(column));
  const missing = table.columns.filter((column) => !found.columns.includes(column));
  if (missing.length > 0) {
    notes.push(
      `${table.schema}.${table.name}: the target has no column ${missing.join(', ')}; its values are left out`,
    );
  }
  return { ...base, action: 'merge', columns };
}

function renamed(schema: string, { renameSchema }: RestoreOptions): string {
  return renameSchema?.from === schema ? renameSchema.to : schema;
}

function refuseConflicts(planned: readonly Considered[], options: RestoreOptions, target: TargetFacts): void {
  const names = planned.filter(({ conflict }) => conflict).map(({ target: { schema, name } }) => `${schema}.${name}`);
  if (names.length === 0) return;
  const shown = `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
  const details = { tables: names.slice(0, 1000) };
  if (options.only !== 'data') {
    throw ERRORS.RESTORE_CONFLICT(`the target has these tables already: ${shown}`, { details });
  }
  const absent = names.every((one) => !target.tables.some(({ schema, name }) => `${schema}.${name}` === one));
  throw absent
    ? ERRORS.RESTORE_CONFLICT(`--data-only needs the tables in the target, and these are not there: ${shown}`, {
        details,
        hint: 'Restore without --data-only, or name only tables that the target has with --tables.',
      })
    : ERRORS.RESTORE_CONFLICT(`these tables of the target have rows, or are not there: ${shown}`, { details });
}

/** Rows cannot go where their columns are not; the shape of a table that exists is the owner's to change. */
function refuseMisshapen(misshapen: readonly string[]): void {
  if (misshapen.length === 0) return;
  throw ERRORS.RESTORE_CONFLICT(`tables of the target lack columns that the backup has: ${misshapen.join('; ')}`, {
    details: { tables: misshapen },
    hint: 'Give these tables their columns back, or drop them and restore them with --tables.',
  });
}

function byPhase(one: PlannedTable, other: PlannedTable): number {
  return one.phase - other.phase || other.table.raw_bytes - one.table.raw_bytes;
}

function phasesOf(tables: readonly PlannedTable[]): PlannedPhase[] {
  return [...new Set(tables.map(({ phase }) => phase))]
    .sort((a, b) => a - b)
    .map((phase) => {
      const inPhase = tables.filter((table) => table.phase === phase);
      const { name, validate, withinMinutes } = phaseTable(phase);
      const { rows, rawBytes } = sum(inPhase);
      return { phase, name, validate, withinMinutes, tables: inPhase.length, rows, rawBytes };
    });
}

function sum(tables: readonly PlannedTable[]): RestorePlan['totals'] {
  const total = (of: (table: ManifestTable) => number) => tables.reduce((all, { table }) => all + of(table), 0);
  return {
    tables: tables.length,
    rows: total((table) => table.rows),
    rawBytes: total((table) => table.raw_bytes),
    storedBytes: total((table) => table.stored_bytes),
  };
}

function sectionsOf({ objects }: Manifest, { only }: RestoreOptions): RestorePlan['schemaSections'] {
  const has = (kind: string) => objects.some((object) => object.kind === kind);
  const ddl = only !== 'data';
  return {
    preData: ddl && has('pre-data'),
    sequences: only !== 'schema' && has('sequences'),
    postData: ddl && has('post-data'),
  };
}

function withoutNotes(missing: readonly string[], leftOut: readonly string[]): string[] {
  const names = missing.filter((name) => leftOut.includes(name));
  return names.map((name) => `the target's server does not have the extension ${name}, which is left out`);
}

function generalNotes(manifest: Manifest, { activate }: RestoreOptions, target: TargetFacts): string[] {
  const major = (version: number) => Math.floor(version / 10_000);
  const [from, to] = [major(manifest.source.server_version_num), major(target.serverVersionNum)];
  return [
    ...manifest.limits.map(({ message }) => `the backup itself lacks: ${message}`),
    ...(from === to ? [] : [`from PostgreSQL ${from} to ${to}`]),
    ...(manifest.source.supabase && !target.supabase
      ? ['from a Supabase project into a plain PostgreSQL: what the platform owns is not there']
      : []),
    ...(activate ? ['--activate: cron jobs, webhooks and publications act as soon as they are there'] : []),
  ];
}
