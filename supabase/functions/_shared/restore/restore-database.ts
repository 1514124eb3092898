/**
 * A backup back into a database:
 *   1. the target and the manifest give a plan; every object it needs is read and hashed; nothing is written before that;
 *   2. roles, then tables, types and functions, in one transaction;
 *   3. the rows, phase by phase, each phase counted at its end;
 *   4. sequences; indexes, constraints, triggers and policies, several at the same time;
 *   5. whoever was erased since the backup is erased again, before anything acts by itself;
 *   6. statistics and checks, and the report with the measured time.
 * Every step leaves its mark in the target together with its work, so that the same call goes on after a failure.
 */
import { ERRORS } from '../errors.ts';
import { openSession } from '../postgres/open-session.ts';
import type { PgSession } from '../postgres/session.ts';
import type {
  CheckResult,
  HeldBack,
  PhaseResult,
  RestoreOptions,
  RestorePlan,
  RestoreReport,
  TargetFacts,
} from './contracts.ts';
import { type DdlSections, ddlPaths, ddlSections } from './ddl-sections.ts';
import { refuseDamaged } from './erasure-source.ts';
import { finalChecks } from './final-checks.ts';
import { gatherStatistics } from './gather-statistics.ts';
import { inspectTarget } from './inspect-target.ts';
import { missingSettings } from './missing-settings.ts';
import { partitionTree } from './partition-tree.ts';
import { isTolerant, planRestore } from './plan-restore.ts';
import { applyConfig, type PreparedConfig, prepareConfig } from './prepare-config.ts';
import { type PreparedDdl, prepareDdl } from './prepare-ddl.ts';
import { refuseMissingSchemas } from './refuse-missing-schemas.ts';
import { replayErasures } from './replay-erasures.ts';
import { reportOf } from './report-of.ts';
import { lockTarget, openMarks, type RestoreMarks, ROLES_STEP, unfinishedPlan } from './restore-marks.ts';
import type { RestoreJob, RestoreMeans } from './restore-means.ts';
import { readPhases } from './restore-phases.ts';
import { restoreRows } from './restore-rows.ts';
import { entryKey, runEntries } from './run-entries.ts';
import { runPreData } from './run-pre-data.ts';
import { scheduleEntries } from './schedule-entries.ts';
import { separateValidation } from './separate-validation.ts';
import { SessionGroup } from './session-group.ts';
import { isOfExtension } from './split-extensions.ts';
import { verifyArchive } from './verify-archive.ts';

/** What is known of a restore while it works; the report is made of it, whatever happens. */
export interface Restoring {
  readonly means: RestoreMeans;
  readonly job: RestoreJob;
  readonly plan: RestorePlan;
  readonly target: TargetFacts;
  readonly marks: RestoreMarks;
  readonly startedAt: Date;
  /** performance.now() of the start. */
  readonly startedMs: number;
  readonly phases: PhaseResult[];
  readonly checks: CheckResult[];
  readonly heldBack: HeldBack[];
  readonly differences: string[];
}

const GOES_ON =
  'this restore was begun in the target and did not end: the same command goes on with it, after the last step that is whole';

/** What a restore would do. Reads, writes nothing. Throws as restoreDatabase() does before its first write. */
export async function planOf(means: RestoreMeans, options: RestoreOptions): Promise<RestorePlan> {
  const session = await openSession(means.platform, means.targetUrl, { applicationName: 'holdfast restore plan' });
  try {
    const sections = ddlSections(means.archive);
    const { plan: planned, target, begun } = await plan(session, means, { options, ddl: sections });
    await understoodDdl(means, { options, plan: planned, target, sections });
    return begun ? { ...planned, notes: [...planned.notes, GOES_ON] } : planned;
  } finally {
    await session.close();
  }
}

/**
 * Throws before anything is written: what opening and checking the archive throws, TABLE_UNKNOWN, RESTORE_CONFLICT,
 * RESTORE_TARGET_UNUSABLE, LEDGER_DAMAGED, DATABASE_*. A failure after that is a report with status `failed` and its error.
 */
export async function restoreDatabase(means: RestoreMeans, job: RestoreJob): Promise<RestoreReport> {
  const startedAt = new Date();
  const startedMs = performance.now();
  if (means.erasures !== 'later') refuseDamaged(means.erasures);
  const sessions = new SessionGroup(means, job.signal);
  try {
    const control = await sessions.open('holdfast restore');
    await lockTarget(control);
    const sections = ddlSections(means.archive);
    const { plan: planned, target } = await plan(control, means, { options: job.options, ddl: sections });
    await checkObjects(means, job, planned);
    const ddl = await understoodDdl(means, { options: job.options, plan: planned, target, sections });
    const config = await prepareConfig(means.archive, { options: job.options, target });
    const differences = planned.differences ?? [...planned.notes, ...ddl.notes, ...config.differences];
    const marks = await openMarks(control, { plan: { ...planned, differences }, options: optionsKey(job.options) });
    const restoring: Restoring = {
      ...{ means, job, target, marks, startedAt, startedMs, plan: planned },
      ...{ phases: [], checks: [], heldBack: [...config.heldBack, ...ddl.heldBack] },
      differences: [...differences],
    };
    return await report(restoring, () => restore(restoring, { control, sessions, ddl, config }));
  } catch (error) {
    // An abort closes the sessions, and whatever waited for them says that instead.
    if (job.signal?.aborted) throw ERRORS.RESTORE_INTERRUPTED('the restore was interrupted', { cause: error });
    throw error;
  } finally {
    await sessions.close();
  }
}

async function plan(
  session: PgSession,
  { archive, withoutExtensions }: RestoreMeans,
  { options, ddl }: { options: RestoreOptions; ddl: DdlSections },
) {
  const target = await inspectTarget(session);
  // What the first attempt created must not look like tables that were there before.
  const key = { backupId: archive.manifest.backup_id, options: optionsKey(options) };
  const begun = await unfinishedPlan(session, key);
  if (begun !== null) return { target, plan: begun, begun: true };
  const phaseOf = await readPhases(archive);
  // Only names of tables ask for the levels of partitions, and only the DDL has them.
  const asked = options.tables !== null && archive.manifest.tables.some((table) => table.partition_root);
  const partitions = partitionTree(asked ? await ddl.entries('pre-data') : []);
  const around = { target, phaseOf, partitions, withoutExtensions };
  return { target, plan: planRestore(archive.manifest, options, around), begun: false };
}

/** Throws RESTORE_TARGET_UNUSABLE, and what reading the sections throws. */
async function understoodDdl(
  { archive, withoutExtensions = [] }: RestoreMeans,
  { sections, ...to }: { sections: DdlSections; options: RestoreOptions; plan: RestorePlan; target: TargetFacts },
): Promise<PreparedDdl> {
  const ddl = await prepareDdl(sections, to);
  const preData = ddl.preData.filter((entry) => !isOfExtension(entry, (name) => withoutExtensions.includes(name)));
  refuseMissingSchemas([...preData, ...ddl.postData], archive.manifest, to.target);
  return { ...ddl, preData };
}

/** What must be the same for the next attempt to go on with this one. */
function optionsKey({ tables, schemas, renameSchema, only, onConflict, activate }: RestoreOptions): string {
  return JSON.stringify({ tables, schemas, renameSchema, only, onConflict, activate });
}

async function checkObjects({ archive }: RestoreMeans, job: RestoreJob, fresh: RestorePlan): Promise<void> {
  const { manifest } = archive;
  const rows = job.options.only === 'schema' ? [] : fresh.tables.filter(({ action }) => action !== 'skip');
  const paths = [
    ...(['pre-data', 'sequences', 'post-data'] as const).flatMap((section) => ddlPaths(manifest, section)),
    ...manifest.objects.filter(({ kind }) => kind === 'config').map(({ path }) => path),
    ...rows.flatMap(({ table }) => table.segments),
  ];
  const sizes = new Map(manifest.objects.map(({ path, size }) => [path, size]));
  job.onEvent?.({ type: 'checking', bytes: paths.reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0) });
  const onBytes = (bytes: number) => job.onEvent?.({ type: 'checked', bytes });
  await verifyArchive(archive, { paths, jobs: job.options.jobs, onBytes, signal: job.signal });
}

interface Work {
  readonly control: PgSession;
  readonly sessions: SessionGroup;
  readonly ddl: PreparedDdl;
  readonly config: PreparedConfig;
}

async function restore(restoring: Restoring, work: Work): Promise<void> {
  const { job, plan, marks } = restoring;
  const { control, sessions, ddl, config } = work;
  job.onEvent?.({ type: 'planned', plan });
  if (!marks.done(ROLES_STEP)) await applyConfig(control, config.before, { marks, step: ROLES_STEP });
  const tolerant = plan.tolerant ?? isTolerant(job.options, restoring.target);
  await timed(restoring, 'schema', async () => {
    const there = await runPreData(control, ddl.preData, { marks, step: 'pre-data', tolerant });
    if (there.length > 0)
      restoring.differences.push(`the target had these already, and they stay as they are: ${there.join(', ')}`);
    return `${ddl.preData.length} entries`;
  });
  const loaders = await sessions.openMany('holdfast restore rows', job.options.jobs);
  if (job.options.only !== 'schema') {
    await restoreRows(
      {
        archive: restoring.means.archive,
        plan,
        marks,
        sessions: loaders,
        startedAt: restoring.startedMs,
        onEvent: job.onEvent,
        signal: sessions.signal,
      },
      restoring.phases,
    );
    await runPreData(control, ddl.sequences, { marks, step: 'sequences', tolerant: false });
  }
  await timed(restoring, 'indexes, constraints, triggers and policies', () =>
    postData(restoring, { ddl, loaders, signal: sessions.signal, tolerant }),
  );
  if (job.options.only !== 'schema') await eraseAgain(restoring, control);
  if (!marks.done('settings')) await applyConfig(control, config.after, { marks, step: 'settings' });
  restoring.differences.push(...(await missingSettings(control)));
  await timed(restoring, 'statistics', async () =>
    job.options.only === 'schema' ? 'no rows' : await gatherStatistics(loaders, plan.tables),
  );
  restoring.checks.push(...(await finalChecks(restoring, control, sessions)));
  sessions.keepToTheEnd();
  await marks.remove();
}

/** Throws RESTORE_FAILED: a database that holds people who were erased is not released. */
async function eraseAgain({ means, plan, job, checks }: Restoring, control: PgSession): Promise<void> {
  if (means.erasures === 'later') return;
  const takenAt = means.archive.manifest.consistency.taken_at;
  const { check } = await replayErasures(control, means.erasures, { plan, options: job.options, takenAt });
  if (check.verdict === 'failed') throw ERRORS.RESTORE_FAILED(`${check.detail}: ${check.findings.join('; ')}`);
  checks.push(check);
}

async function postData(
  { marks, job, plan, target }: Restoring,
  {
    ddl,
    loaders,
    signal,
    tolerant,
  }: { ddl: PreparedDdl; loaders: PgSession[]; signal: AbortSignal; tolerant: boolean },
): Promise<string> {
  const scheduled = scheduleEntries(ddl.postData);
  // A key that the target had may be unvalidated there, and stays as it is.
  const stages = tolerant ? scheduled : separateValidation(scheduled, ddl.preData, target.managedTables);
  // Settings run in every session and are not counted.
  const counted = stages.flat().flatMap(({ entries, everywhere }) => (everywhere ? [] : entries));
  const of = counted.length;
  let done = counted.filter((entry) => marks.done(`entry:${entryKey(entry)}`)).length;
  const bytes = new Map(plan.tables.map(({ target, table }) => [`${target.schema}.${target.name}`, table.raw_bytes]));
  await runEntries({
    sessions: loaders,
    stages,
    signal,
    tolerant,
    bytesOf: (name) => bytes.get(name) ?? 0,
    isDone: (key) => marks.done(`entry:${key}`),
    markSql: (key) => marks.markSql(`entry:${key}`),
    onDone: (key) => {
      marks.noted(`entry:${key}`);
      job.onEvent?.({ type: 'statement', done: ++done, of });
    },
  });
  return `${scheduled.flat().length} entries`;
}

async function timed(restoring: Restoring, name: string, work: () => Promise<string>): Promise<void> {
  const begun = performance.now();
  restoring.job.onEvent?.({ type: 'phase', name });
  const detail = await work();
  const now = performance.now();
  const seconds = { seconds: (now - begun) / 1000, doneAfterSeconds: (now - restoring.startedMs) / 1000 };
  restoring.phases.push({ name, ...seconds, verdict: 'passed', detail });
}

async function report(restoring: Restoring, work: () => Promise<void>): Promise<RestoreReport> {
  try {
    await work();
    return reportOf(restoring, null);
  } catch (error) {
    // A target that got nothing keeps nothing; where the connection is lost, the next restore takes idle marks for none.
    if (restoring.marks.isIdle()) await restoring.marks.remove().catch(() => undefined);
    // An abort closes the sessions, and what waited for them fails with something else.
    return reportOf(restoring, restoring.job.signal?.aborted ? 'interrupted' : error);
  }
}
