import type { RestoreReport } from '../contracts.ts';
import { type ReportHead, reportFacts } from '../report-words.ts';
import type { DrillMode } from './drill-state.ts';

const VERDICTS = ['passed', 'inconclusive', 'failed'] as const;

/** What a restore's facts say of one that did not take place. */
const OF_A_RESTORE = new Set(['Target', 'Tables', 'Measured recovery time', 'Data loss']);

/** The head of a drill's report: the verdict, which is that of its checks too, and what was tried. */
export function drillHead(report: RestoreReport, { mode, status }: { mode: DrillMode; status: string }): ReportHead {
  const verdict = VERDICTS.find((one) => one === status) ?? 'inconclusive';
  const facts = reportFacts(report);
  if (mode === 'restore') return { title: `Drill ${verdict}`, verdict, facts };
  const title = `Stored bytes: ${verdict}; nothing was restored`;
  return { title, verdict, facts: facts.filter(([label]) => !OF_A_RESTORE.has(label)) };
}
