/**
 * A drill: a backup is restored into a database that is made for it and thrown away after it, and everything that can be
 * checked is. The database is destroyed whatever happens, unless the caller keeps it.
 */
import { ERRORS, HoldfastError } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { openSession } from '../postgres/open-session.ts';
import { runChecks, wasStopped } from './checks/run-checks.ts';
import type { Archive, CheckResult, PhaseResult, RestoreEvent, RestorePlan, RestoreReport } from './contracts.ts';
import { type ErasureSource, refuseDamaged } from './erasure-source.ts';
import { missingExtensions } from './plan-restore.ts';
import { replayErasures } from './replay-erasures.ts';
import { readConfigOf } from './restore-config.ts';
import { restoreDatabase } from './restore-database.ts';

export interface DrillDatabase {
  readonly url: string;
  /** For the record: `embedded PostgreSQL 17.10`. */
  readonly description: string;
  destroy(): Promise<void>;
}

export interface DrillJob {
  readonly archive: Archive;
  /** Applied at the very end: the checks compare with the backup, which has the erased people. */
  readonly erasures?: ErasureSource;
  readonly platform: Platform;
  openDatabase(): Promise<DrillDatabase>;
  readonly jobs: number;
  readonly onEvent?: (event: RestoreEvent) => void;
  readonly onCheck?: (check: CheckResult) => void;
  readonly signal?: AbortSignal;
}

export interface DrillReport extends RestoreReport {
  /** Where it was restored into. */
  readonly environment: string;
  readonly verdict: 'passed' | 'failed' | 'inconclusive';
}

/**
 * Failed: the restore or a check failed. Inconclusive: nothing failed, but the rows could not be counted, or the drill was
 * interrupted, lost its store or server, or has not the extensions that the backup needs. Throws what
 * opening the database and checking the archive throw, and LEDGER_DAMAGED; then the database is destroyed too.
 */
export async function runDrill(job: DrillJob): Promise<DrillReport> {
  refuseDamaged(job.erasures);
  const startedMs = performance.now();
  const phases: PhaseResult[] = [];
  const timed = async <T>(name: string, detail: (result: T) => string, work: () => Promise<T>): Promise<T> => {
    const begun = performance.now();
    const result = await work();
    const now = performance.now();
    const seconds = { seconds: (now - begun) / 1000, doneAfterSeconds: (now - startedMs) / 1000 };
    phases.push({ name, ...seconds, verdict: 'passed', detail: detail(result) });
    return result;
  };
  const database = await timed(
    'database',
    ({ description }) => description,
    () => job.openDatabase(),
  );
  let done: Restored;
  let checks: readonly CheckResult[];
  try {
    done = await restoreInto(job, database);
    const { restored } = done;
    phases.push(...restored.phases);
    checks = restored.error
      ? restored.checks
      : await timed(
          'checks',
          (all) => `${all.length} checks`,
          () => check(job, database, done),
        );
  } finally {
    await timed(
      'destruction',
      () => 'the database is gone',
      () => database.destroy(),
    );
  }
  const restored = { ...done.restored, error: errorOf(done, checks) };
  const report = { ...restored, phases, checks, seconds: (performance.now() - startedMs) / 1000 };
  return { ...report, environment: database.description, verdict: verdictOf({ ...done, restored }, checks) };
}

interface Restored {
  readonly restored: RestoreReport;
  /** Extensions that the drill's server does not have. */
  readonly withoutExtensions: readonly string[];
  readonly plan: RestorePlan;
}

const EVERYTHING = {
  tables: null,
  schemas: null,
  renameSchema: null,
  only: null,
  onConflict: 'fail',
  activate: false,
} as const;

async function restoreInto(
  { archive, platform, jobs, onEvent, signal }: DrillJob,
  { url }: DrillDatabase,
): Promise<Restored> {
  let plan: RestorePlan | null = null;
  const listen = (event: RestoreEvent) => {
    if (event.type === 'planned') plan = event.plan;
    onEvent?.(event);
  };
  const job = { options: { ...EVERYTHING, jobs }, onEvent: listen, signal };
  const withoutExtensions = await extensionsMissing(platform, url, archive);
  const means = { platform, targetUrl: url, archive, erasures: 'later', withoutExtensions } as const;
  const restored = await restoreDatabase(means, job);
  return { restored, plan: plan!, withoutExtensions };
}

/** The platform's own (pg_cron, pg_graphql, supabase_vault …) are in no PostgreSQL but the platform's. */
async function extensionsMissing(platform: Platform, url: string, { manifest }: Archive): Promise<string[]> {
  const session = await openSession(platform, url, { applicationName: 'holdfast drill' });
  try {
    const rows = await session.query('select name from pg_available_extensions');
    return missingExtensions(manifest, { availableExtensions: rows.map(([name]) => name!) });
  } finally {
    await session.close();
  }
}

async function check(job: DrillJob, { url }: DrillDatabase, { restored, plan }: Restored): Promise<CheckResult[]> {
  const { archive, platform, signal, onCheck } = job;
  const open = () => openSession(platform, url, { applicationName: 'holdfast drill' });
  const session = await open();
  try {
    const config = await readConfigOf(archive);
    const context = {
      session,
      manifest: archive.manifest,
      plan,
      openSession: open,
      read: (path: string) => archive.read(path),
      config,
      heldBack: restored.heldBack,
    };
    const results = await runChecks(context, { signal, onCheck });
    const takenAt = archive.manifest.consistency.taken_at;
    const { check: erased } = await replayErasures(session, job.erasures, { plan, options: EVERYTHING, takenAt });
    onCheck?.(erased);
    return [...results, erased];
  } finally {
    await session.close();
  }
}

function verdictOf({ restored, withoutExtensions }: Restored, checks: readonly CheckResult[]): DrillReport['verdict'] {
  if (checks.some(({ verdict }) => verdict === 'failed')) return 'failed';
  // A statement that a missing extension explains is no fault of the backup.
  const explained = withoutExtensions.length > 0 && restored.error?.code === 'RESTORE_FAILED';
  if (restored.error) return explained || saysNothing(restored.error.code) ? 'inconclusive' : 'failed';
  const rows = checks.find(({ name }) => name === 'row-counts');
  return rows?.verdict === 'passed' ? 'passed' : 'inconclusive';
}

/** An interrupted drill leaves nothing to go on with, whichever part of it was interrupted. */
function errorOf({ restored: { error } }: Restored, checks: readonly CheckResult[]): RestoreReport['error'] {
  if (error?.code !== 'RESTORE_INTERRUPTED' && !checks.some(wasStopped)) return error;
  const hint = 'Its database was thrown away. Start the drill again.';
  return { code: 'RESTORE_INTERRUPTED', message: 'the drill was interrupted', hint };
}

/** An interruption, a store or a server that did not answer: the drill was not carried out, and the backup may be good. */
export function saysNothing(code: string): boolean {
  return Object.hasOwn(ERRORS, code) && ERRORS[code as keyof typeof ERRORS]('').kind === 'transient';
}

/** Of a drill that could not begin, which is recorded too. */
export function drillError(error: unknown): { code: string; message: string } {
  if (error instanceof HoldfastError) return { code: error.code, message: error.message };
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
}
