import type { RestoreReport } from '../contracts.ts';
import { RECOVERY_LABEL, type ReportHead, reportFacts, spanWords } from '../report-words.ts';
import type { DrillMode } from './drill-state.ts';

const VERDICTS = ['passed', 'inconclusive', 'failed'] as const;

/** What a restore's facts say of one that did not take place. */
const OF_A_RESTORE = new Set(['Target', 'Tables', RECOVERY_LABEL, 'Data loss']);

/** Up to the last row, index and statistic: the checks are no part of a recovery. null: the restore did not get there. */
export function recoverySeconds({ phases }: Pick<RestoreReport, 'phases'>): number | null {
  return phases.find(({ name, verdict }) => name === 'statistics' && verdict === 'passed')?.doneAfterSeconds ?? null;
}

const HELD_BACK = 'A restore leaves these off until somebody turns them on with `npm run restore:activate`.';

/** The head of a drill's report: the verdict, which is that of its checks too, and what was tried. */
export function drillHead(report: RestoreReport, { mode, status }: { mode: DrillMode; status: string }): ReportHead {
  const verdict = VERDICTS.find((one) => one === status) ?? 'inconclusive';
  const facts = reportFacts(report).map((fact) => (fact[0] === RECOVERY_LABEL ? recovery(report) : fact));
  const head = { verdict, heldBack: HELD_BACK };
  if (mode === 'restore') return { ...head, title: `Drill ${verdict}`, facts };
  const title = `Stored bytes: ${verdict}; nothing was restored`;
  return { ...head, title, facts: facts.filter(([label]) => !OF_A_RESTORE.has(label)) };
}

function recovery(report: RestoreReport): [label: string, value: string] {
  const seconds = recoverySeconds(report);
  const whole = `the drill took ${spanWords(report.seconds * 1000)}`;
  return [RECOVERY_LABEL, seconds === null ? `none: ${whole}` : `${spanWords(seconds * 1000)}; ${whole}`];
}
