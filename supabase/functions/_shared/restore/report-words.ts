/** What every form of a report says in the same words. */
import { countWords } from '../domain/count-words.ts';
import { durationWords } from '../domain/duration-words.ts';
import type { CheckResult, PhaseResult, RestoreReport } from './contracts.ts';

const HOUR_MS = 3600 * 1000;
const DAY_MS = 24 * HOUR_MS;

export const REPORT_TITLES: Readonly<Record<RestoreReport['status'], string>> = {
  completed: 'Restore completed',
  completed_with_limits: 'Restore completed with limits',
  failed: 'Restore failed',
};

/** `2026-01-14 02:00:00 UTC`; what is no time stays as it is. */
export function momentWords(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? iso : `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** A span that may be long: `8 hours 5 minutes`, `3 days 4 hours`. */
export function spanWords(milliseconds: number): string {
  if (milliseconds < 2 * DAY_MS) return durationWords(milliseconds);
  const hours = Math.round(milliseconds / HOUR_MS);
  const rest = hours % 24;
  return `${countWords(Math.floor(hours / 24), 'day')}${rest === 0 ? '' : ` ${countWords(rest, 'hour')}`}`;
}

/** What is lost however well it went: all that was written after the moment which the backup shows. */
export function dataLossWords({ takenAt, startedAt }: Pick<RestoreReport, 'takenAt' | 'startedAt'>): string {
  const lostMs = Date.parse(startedAt) - Date.parse(takenAt);
  const shown = `the backup shows ${momentWords(takenAt)}`;
  if (Number.isNaN(lostMs)) return `${shown}; what was written later is not in it`;
  if (lostMs < 0) return `${shown}, which is later than the start of the restore: one of the clocks is wrong`;
  return `up to ${spanWords(lostMs)}: ${shown}, and what was written from then to the start of the restore is not in it`;
}

/** How a phase did against its promise; empty where there is none. */
export function promiseWords({ doneAfterSeconds, withinMinutes }: PhaseResult): string {
  if (withinMinutes === undefined || withinMinutes === null) return '';
  const promise = countWords(withinMinutes, 'minute');
  return doneAfterSeconds <= withinMinutes * 60 ? `within the ${promise} promised` : `late: promised in ${promise}`;
}

/** `14 restored (12,345 rows), 1 skipped, 1 not restored`. */
export function tableWords({ tables }: Pick<RestoreReport, 'tables'>): string {
  const of = (state: RestoreReport['tables'][number]['state']) => tables.filter((table) => table.state === state);
  const restored = of('restored');
  const rows = restored.reduce((sum, table) => sum + table.rows, 0);
  const kept = tables.reduce((sum, table) => sum + table.kept, 0);
  const parts = [
    `${restored.length.toLocaleString('en-US')} restored (${countWords(rows, 'row')}${kept === 0 ? '' : `; ${countWords(kept, 'row')} were there already`})`,
    ...(of('skipped').length === 0 ? [] : [`${of('skipped').length.toLocaleString('en-US')} skipped`]),
    ...(of('not restored').length === 0 ? [] : [`${of('not restored').length.toLocaleString('en-US')} not restored`]),
  ];
  return parts.join(', ');
}

/** What a report is called, and what it tells first. */
export interface ReportHead {
  readonly title: string;
  readonly verdict: 'passed' | 'inconclusive' | 'failed';
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** What becomes of what was held back; code stands between backticks. */
  readonly heldBack: string;
}

const VERDICTS = { completed: 'passed', completed_with_limits: 'inconclusive', failed: 'failed' } as const;

/** Of a restore. */
export function restoreHead(report: RestoreReport): ReportHead {
  const heldBack = report.error
    ? 'Once the restore has been completed, these stay off until somebody turns them on: `npm run restore:activate`.'
    : 'These stay off until somebody turns them on: `npm run restore:activate`, or the SQL of each.';
  return {
    title: REPORT_TITLES[report.status],
    verdict: VERDICTS[report.status],
    facts: reportFacts(report),
    heldBack,
  };
}

/** What was found beyond the sentence that the check itself has. */
export function otherFindings({ detail, findings }: Pick<CheckResult, 'detail' | 'findings'>): readonly string[] {
  return findings.length === 1 && findings[0] === detail ? [] : findings;
}

export const RECOVERY_LABEL = 'Measured recovery time';

/** Label and value of what a person wants to know first. */
export function reportFacts(report: RestoreReport): readonly (readonly [label: string, value: string])[] {
  const { target } = report;
  return [
    ['Backup', `${report.backupId} in ${report.location}`],
    ['Target', `${target.database}, ${serverWords(target)}`],
    ['Tables', tableWords(report)],
    [RECOVERY_LABEL, spanWords(report.seconds * 1000)],
    ['Data loss', dataLossWords(report)],
    ['Started', momentWords(report.startedAt)],
  ];
}

function serverWords({ serverVersion, supabase }: RestoreReport['target']): string {
  return `PostgreSQL ${serverVersion}${supabase ? ' of a Supabase project' : ''}`;
}
