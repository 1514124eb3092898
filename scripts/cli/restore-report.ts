import pc from 'picocolors';
import { displayName } from '../../supabase/functions/_shared/archive/display-name.ts';
import { durationWords } from '../../supabase/functions/_shared/domain/duration-words.ts';
import type { PhaseResult, RestoreReport } from '../../supabase/functions/_shared/restore/contracts.ts';
import { drillHead } from '../../supabase/functions/_shared/restore/drill/drill-head.ts';
import {
  dataLossWords,
  otherFindings,
  promiseWords,
  RECOVERY_LABEL,
  restoreHead,
  tableWords,
} from '../../supabase/functions/_shared/restore/report-words.ts';
import { plainTable } from './plain-table.ts';

export interface RestoreReportView {
  readonly report: RestoreReport;
  /** Connection in words, without its password. */
  readonly target: string;
  /** Of a drill, whose database is gone. */
  readonly drill?: 'passed' | 'failed' | 'inconclusive';
  /** Files that the report was written to. */
  readonly files: readonly string[];
}

const NAMES_SHOWN = 40;
const FINDINGS_SHOWN = 10;
const MARKS = { completed: '✅', completed_with_limits: '⚠️ ', failed: '❌' } as const;
const DRILL_MARKS = { passed: '✅', inconclusive: '⚠️ ', failed: '❌' } as const;
const VERDICT_COLOURS = { passed: pc.green, failed: pc.red, inconclusive: pc.yellow } as const;

/** What a person reads at the end; the error of a failed restore goes to stderr instead. */
export function restoreReport({ report, target, drill, files }: RestoreReportView): string[] {
  const { title, facts } = drill ? drillHead(report, { mode: 'restore', status: drill }) : restoreHead(report);
  const recovery = facts.find(([label]) => label === RECOVERY_LABEL)!;
  return [
    `${drill ? DRILL_MARKS[drill] : MARKS[report.status]} ${title}: ${report.backupId}`,
    `📍 From ${displayName(report.location)}`,
    `🎯 Into ${displayName(target)} (PostgreSQL ${report.target.serverVersion}${report.target.supabase ? ', Supabase' : ''})`,
    `📦 Tables: ${tableWords(report)}`,
    `⏱️  ${recovery.join(': ')}`,
    `🕰️  Data loss: ${dataLossWords(report)}`,
    ...phaseLines(report.phases),
    ...checkLines(report),
    ...tableLines(report),
    ...listLines('Different from the source:', report.differences),
    ...(drill ? [] : heldBackLines(report, files)),
    ...files.map((file) => `📄 Report: ${displayName(file)}`),
  ];
}

function phaseLines(phases: readonly PhaseResult[]): string[] {
  if (phases.length === 0) return [];
  const table = plainTable(
    ['phase', 'took', 'done after', 'verdict', 'found', 'promise'],
    ['left', 'right', 'right', 'left', 'left', 'left'],
  );
  for (const phase of phases) {
    const times = [durationWords(phase.seconds * 1000), durationWords(phase.doneAfterSeconds * 1000)];
    const verdict = VERDICT_COLOURS[phase.verdict](phase.verdict);
    table.push([displayName(phase.name), ...times, verdict, displayName(phase.detail), promiseWords(phase)]);
  }
  return ['', table.toString()];
}

function checkLines({ checks }: RestoreReport): string[] {
  if (checks.length === 0) return [];
  const lines = checks.flatMap((check) => [
    `  ${VERDICT_COLOURS[check.verdict](check.verdict)} ${displayName(check.name)}: ${displayName(check.detail)}`,
    ...cut(otherFindings(check).map(displayName), FINDINGS_SHOWN).map((finding) => `      - ${finding}`),
  ]);
  return ['', 'Checks:', ...lines];
}

function tableLines({ tables }: RestoreReport): string[] {
  const named = (state: RestoreReport['tables'][number]['state']) =>
    tables.filter((table) => table.state === state).map(({ table }) => table);
  return [
    ...listLines(pc.red('Not restored:'), cut(named('not restored'), NAMES_SHOWN)),
    ...listLines('Skipped:', cut(named('skipped'), NAMES_SHOWN)),
  ];
}

/** Without a JSON report to give to activate.ts the SQL itself is shown, whole: it would be lost. */
function heldBackLines({ heldBack, error }: RestoreReport, files: readonly string[]): string[] {
  if (heldBack.length === 0) return [];
  const json = files.find((file) => /\.json$/i.test(file));
  const items = heldBack.flatMap(({ kind, name, reason, activateSql }) => [
    `  - ${kind} ${displayName(name)}: ${displayName(reason)}`,
    ...(json || error ? [] : activateSql.split('\n').map((text) => `      ${displayName(text)}`)),
  ]);
  const how = error
    ? 'Once the restore has been completed, its report says how to turn them on.'
    : json
      ? `Turn them on: npm run restore:activate -- --report ${shellWord(json)}`
      : 'Turn them on with the SQL above, or restore with --report restore.json and use npm run restore:activate.';
  return ['', pc.yellow('Held back, so that nothing acts before you say so:'), ...items, how];
}

function listLines(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((text) => `  - ${displayName(text)}`)];
}

function cut(lines: readonly string[], shown: number): string[] {
  if (lines.length <= shown) return [...lines];
  return [...lines.slice(0, shown), `and ${lines.length - shown} more, all in the report`];
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
