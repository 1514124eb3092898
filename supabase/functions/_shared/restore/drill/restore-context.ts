/** What the slices that work in the scratch database share: one session, the lock, the marks and the plan. */
import { ERRORS } from '../../errors.ts';
import { openSession } from '../../postgres/open-session.ts';
import type { PgSession } from '../../postgres/session.ts';
import type { RestoreOptions, RestorePlan, TargetFacts } from '../contracts.ts';
import { partitionTree } from '../partition-tree.ts';
import { planRestore } from '../plan-restore.ts';
import { openMarks, type RestoreMarks, unfinishedPlan } from '../restore-marks.ts';
import { readPhases } from '../restore-phases.ts';
import type { DrillSlice } from './drill-means.ts';
import { asLoaded, scratchFacts } from './scratch-target.ts';

export const DRILL_OPTIONS: RestoreOptions = {
  tables: null,
  schemas: null,
  renameSchema: null,
  only: null,
  onConflict: 'fail',
  jobs: 1,
  activate: false,
};

/** All drills of the function have the same options. */
const OPTIONS_KEY = 'drill';

export interface RestoreContext {
  readonly slice: DrillSlice;
  readonly session: PgSession;
  readonly target: TargetFacts;
  readonly marks: RestoreMarks;
  readonly plan: RestorePlan;
}

/** As restoreDatabase() has them: a session's own settings, which any role may change. */
const SETTINGS =
  "set maintenance_work_mem = '64MB'; set client_min_messages = warning; set check_function_bodies = off";

/**
 * Throws DATABASE_UNREACHABLE while a session of an earlier slice, whose worker died, still works there: its statement
 * may yet end well, and the next attempt finds it done.
 */
export async function inScratch<T>(slice: DrillSlice, work: (context: RestoreContext) => Promise<T>): Promise<T> {
  const session = await openSession(slice.means.platform, slice.target, { applicationName: 'holdfast drill' });
  try {
    const [row] = await session.query("select pg_try_advisory_lock(hashtext('holdfast restore'), 0)");
    if (row?.[0] !== 't') {
      throw ERRORS.DATABASE_UNREACHABLE('a session of an earlier slice still works in the scratch database');
    }
    await session.query(SETTINGS);
    const { archive } = slice;
    const target = await scratchFacts(session, archive.manifest.schema.managed_schemas);
    const begun = await unfinishedPlan(session, { backupId: archive.manifest.backup_id, options: OPTIONS_KEY });
    const plan = begun ?? (await freshPlan(slice, target));
    const marks = await openMarks(session, { plan, options: OPTIONS_KEY });
    return await work({ slice, session, target, marks, plan });
  } finally {
    await session.close();
  }
}

async function freshPlan({ archive, state }: DrillSlice, target: TargetFacts): Promise<RestorePlan> {
  const phaseOf = await readPhases(archive);
  const { withoutExtensions } = state;
  const around = { target, phaseOf, partitions: partitionTree([]), withoutExtensions };
  return asLoaded(planRestore(archive.manifest, DRILL_OPTIONS, around));
}
