/**
 * Decides how the backup is made, in the snapshot that it will be made in:
 *   1. what may not be done at all is found here, before any row is read;
 *   2. a small database is copied by this very call, in one transaction;
 *   3. for any other a keeper holds the snapshot and the work becomes tasks.
 */
import { groupSlices, sliceCost } from '../domain/group-slices.ts';
import type { Limit, SnapshotFacts } from '../domain/manifest-types.ts';
import type { Catalog } from '../postgres/catalog-types.ts';
import { openSession } from '../postgres/open-session.ts';
import { readCatalog } from '../postgres/read-catalog.ts';
import type { PgSession } from '../postgres/session.ts';
import { beginSnapshot } from '../postgres/snapshot.ts';
import type { PlannedTableRow } from '../runs/ledger.ts';
import type { NextTask, RunPatch, RunRow } from '../runs/run-row.ts';
import { awaitKeeper } from './await-keeper.ts';
import { catalogFacts } from './catalog-facts.ts';
import { checkMeans } from './check-means.ts';
import { copyAtOnce } from './copy-at-once.ts';
import { copyTaskOf } from './copy-task.ts';
import { SCHEMA_SECTIONS } from './dump-schema-object.ts';
import { handToKeeper } from './hand-to-keeper.ts';
import { lockTables, WORKER_LOCK_WAIT_MS } from './lock-tables.ts';
import { countingOn, pathAttempt } from './path-attempt.ts';
import { planTables, type TablePlan } from './plan-tables.ts';
import { refuseLargeRows } from './refuse-large-rows.ts';
import { runFolder } from './run-folder.ts';
import type { TaskContext } from './run-task.ts';
import { snapshotFacts } from './snapshot-facts.ts';
import { takesConfig } from './write-config-object.ts';

/** What the schema costs a single call, as bytes of rows: three runs of pg_dump. */
const SCHEMA_COST_BYTES = 12 * 1024 * 1024;

export async function planRun(context: TaskContext): Promise<void> {
  const { task, ledger, means, limits } = context;
  const run = await ledger.readRun(task.backupId);
  await checkMeans(means);
  if (task.payload.keeper === true) {
    const snapshot = await awaitKeeper(context, run);
    if (snapshot) await planWithKeeper(context, run, snapshot);
    return;
  }
  const session = await openSession(means.platform, means.databaseUrl, { applicationName: 'holdfast plan' });
  try {
    const consistency = snapshotFacts(await beginSnapshot(session, {}));
    const planned = await plan(context, run, session);
    await refuseLargeRows(
      session,
      planned.plans.map((one) => one.table),
      limits,
    );
    if (costOf(planned) <= limits.singleCallBytes) {
      await copyAtOnce(context, { run, session, planned, patch: patchOf(context, run, planned, consistency) });
      return;
    }
  } finally {
    await session.close();
  }
  await handToKeeper(context, pathAttempt(task) - 1);
}

export interface Planned {
  readonly catalog: Catalog;
  readonly plans: TablePlan[];
  readonly limits: Limit[];
  /** Tables that pg_dump may not lock. */
  readonly excludeTables: { schema: string; name: string }[];
}

/**
 * Locked before anything else reads them. With a keeper, which holds its own locks, this finds what it could not lock:
 * a table made between its locks and its snapshot.
 */
async function plan({ ledger, limits }: TaskContext, run: RunRow, session: PgSession): Promise<Planned> {
  const catalog = await readCatalog(session);
  const planned = planTables(catalog, run.request, { tiers: await ledger.readTiers(), sliceBytes: limits.sliceBytes });
  await lockTables(
    session,
    planned.plans.map((one) => one.table),
    limits.lockWaitMs ?? WORKER_LOCK_WAIT_MS,
  );
  return { catalog, ...planned };
}

function costOf(planned: Planned): number {
  const slices = planned.plans.flatMap((one) => one.slices);
  return slices.reduce((sum, slice) => sum + sliceCost(slice), SCHEMA_COST_BYTES);
}

function patchOf({ means }: TaskContext, run: RunRow, planned: Planned, consistency: SnapshotFacts): RunPatch {
  return {
    stage: 'copying',
    folder: runFolder(run),
    location: means.store.location,
    way: 'single-transaction',
    consistency,
    catalog: catalogFacts(planned.catalog),
    limits: planned.limits,
    tableCount: planned.plans.length,
    estimatedBytes: planned.plans.reduce((sum, one) => sum + one.estimatedBytes, 0),
  };
}

async function planWithKeeper(context: TaskContext, run: RunRow, snapshot: string): Promise<void> {
  const { task, ledger, means, limits } = context;
  const session = await openSession(means.platform, means.databaseUrl, { applicationName: 'holdfast plan' });
  try {
    const consistency = snapshotFacts(await beginSnapshot(session, { import: snapshot }));
    const planned = await plan(context, run, session);
    const refs = planned.plans.flatMap(({ table, slices }) =>
      slices.map((slice) => ({ schema: table.schema, name: table.name, slice, estimatedBytes: slice.estimatedBytes })),
    );
    await ledger.savePlan(task, planned.plans.map(planRow));
    const next: NextTask[] = [
      ...sectionsOf(run.request).map((section) => ({
        kind: 'schema' as const,
        payload: { section, excludeTables: planned.excludeTables },
      })),
      ...groupSlices(refs, limits.sliceBytes).map((group) =>
        copyTaskOf(group.map(({ schema, name, slice }) => ({ schema, name, slice }))),
      ),
    ];
    // The plan itself stores nothing: what counts is what was tried before the keeper came.
    const earlier = pathAttempt(task) - task.attempts;
    await ledger.finishTask(task, {
      run: { ...patchOf(context, run, planned, consistency), way: 'keeper' },
      next: next.map((one) => countingOn(one, earlier)),
    });
  } finally {
    await session.close();
  }
}

/** The configuration is a task of its own: its probes of row level security take their time, not another task's. */
function sectionsOf(request: RunRow['request']): readonly string[] {
  return takesConfig(request) ? [...SCHEMA_SECTIONS, 'config'] : SCHEMA_SECTIONS;
}

export function planRow({ table, slices, estimatedBytes }: TablePlan): PlannedTableRow {
  return {
    schema_name: table.schema,
    table_name: table.name,
    estimated_bytes: estimatedBytes,
    estimated_rows: table.estimatedRows,
    slices: slices.length,
    facts: table as unknown as Record<string, unknown>,
  };
}
