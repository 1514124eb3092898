import { openSession } from '../../postgres/open-session.ts';
import { ALL_CHECKS } from '../checks/all-checks.ts';
import { conclude, Findings } from '../checks/conclude.ts';
import { runChecks } from '../checks/run-checks.ts';
import type { CheckContext, CheckResult, PlannedTable } from '../contracts.ts';
import { readConfigOf } from '../restore-config.ts';
import { compareInPieces, NO_PIECES } from './compare-in-pieces.ts';
import type { DrillSlice } from './drill-means.ts';
import { eraseAgain } from './erase-again.ts';
import { inScratch, type RestoreContext } from './restore-context.ts';
import { COST } from './slice-budget.ts';

const CONTENT = 'content';

/** Of a table that can only be compared whole: more is too much CPU time for one call of an edge function. */
const CONTENT_LIMIT_BYTES = 8 * 1024 * 1024;

/** One check after the other, the content table by table, until the budget is spent; true when all have run. */
export async function checksSlice(slice: DrillSlice): Promise<boolean> {
  const { state, budget, archive, means, target } = slice;
  return await inScratch(slice, async (context) => {
    const config = await readConfigOf(archive);
    const checking: CheckContext = {
      session: context.session,
      manifest: archive.manifest,
      plan: context.plan,
      openSession: () => openSession(means.platform, target, { applicationName: 'holdfast drill check' }),
      read: (path) => archive.read(path),
      config,
      heldBack: state.heldBack,
      contentLimitBytes: CONTENT_LIMIT_BYTES,
    };
    for (const { name } of ALL_CHECKS.slice(state.checks.length)) {
      if (budget.isSpent()) return false;
      const result = name === CONTENT ? await compareContent(context, checking) : await runOne(checking, name);
      if (result === null) return false;
      state.checks.push(explained(result, state.missingRoles));
      budget.spend(COST.check);
      await slice.hold.save(state);
    }
    if (budget.isSpent()) return false;
    state.checks.push(await eraseAgain(context));
    return true;
  });
}

async function runOne(context: CheckContext, name: string): Promise<CheckResult> {
  const [result] = await runChecks(context, { only: [name] });
  return result!;
}

/** Null while tables are left. */
async function compareContent({ slice, plan }: RestoreContext, context: CheckContext): Promise<CheckResult | null> {
  const { state, budget, hold } = slice;
  const tables = plan.tables.filter(({ action }) => action !== 'skip');
  while (state.comparedTables < tables.length) {
    if (budget.isSpent()) return null;
    const [next] = tables.slice(state.comparedTables);
    const inPieces = state.pieces !== null || isLarge(slice, next!);
    const some = inPieces ? [next!] : someTables(slice, tables.slice(state.comparedTables));
    const result = inPieces ? await oneInPieces(slice, context, next!) : await compareWhole(context, some);
    if (result === null) return null;
    state.compared.push(result);
    state.comparedTables += some.length;
    state.pieces = null;
    if (!inPieces) budget.spend(some.reduce((sum, planned) => sum + costOf(planned), 0));
    await hold.save(state);
  }
  return state.compared.length === 0 ? await compareWhole(context, tables) : together(state.compared, tables.length);
}

async function compareWhole(context: CheckContext, tables: readonly PlannedTable[]): Promise<CheckResult> {
  return await runOne({ ...context, plan: { ...context.plan, tables } }, CONTENT);
}

async function oneInPieces({ state, budget }: DrillSlice, context: CheckContext, planned: PlannedTable) {
  state.pieces ??= { ...NO_PIECES };
  return await compareInPieces(context, planned, { pieces: state.pieces, budget });
}

/** Too much for one slice; what can only be compared whole, or not at all, is left to the check itself. */
function isLarge({ means, archive }: DrillSlice, planned: PlannedTable): boolean {
  const { data_format: format } = archive.manifest;
  const comparable = planned.action === 'load' && (format === 'copy' || format === 'csv');
  return comparable && costOf(planned) > means.limits.sliceBytes;
}

/** The next tables, as far as the budget reaches; at least one. */
function someTables(slice: DrillSlice, tables: readonly PlannedTable[]): PlannedTable[] {
  const some: PlannedTable[] = [];
  let cost = 0;
  for (const planned of tables) {
    cost += costOf(planned);
    if (some.length > 0 && (cost > slice.budget.left() || isLarge(slice, planned))) break;
    some.push(planned);
  }
  return some;
}

/** Archive and table are read. What can only be compared whole and is above the limit is not read at all. */
function costOf({ table }: PlannedTable): number {
  const compared = table.raw_bytes * COST.comparedByte + table.rows * COST.comparedRow;
  return 2 * compared + table.segments.length * COST.openedObject;
}

const OTHER_POLICY = / is not defined as in the backup$/;

/** A policy for a role that the server lacks was made for another: its definition differs, and that is no fault. */
function explained(result: CheckResult, missingRoles: readonly string[]): CheckResult {
  if (result.name !== 'row-security' || result.verdict !== 'failed' || missingRoles.length === 0) return result;
  const others = result.findings.filter((finding) => !OTHER_POLICY.test(finding));
  if (others.length > 0) return result;
  const reason = `the server has no role ${missingRoles.join(', ')}, for which another stands`;
  return { ...result, verdict: 'inconclusive', detail: `${result.detail}: ${reason}` };
}

function together(parts: readonly CheckResult[], tables: number): CheckResult {
  const findings = new Findings();
  for (const { verdict, findings: found } of parts) {
    if (verdict === 'failed') findings.failed.push(...found);
    else if (verdict === 'inconclusive') findings.unclear.push(...found);
    else findings.notes.push(...found);
  }
  const outcome = conclude(findings, `${tables} tables have exactly the backup's rows`);
  return { name: CONTENT, ...outcome, seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0) };
}
