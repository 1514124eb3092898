import pc from 'picocolors';
import { durationWords } from '../../supabase/functions/_shared/domain/duration-words.ts';
import type { HealthLine, HealthReport } from '../../supabase/functions/_shared/monitor/contracts.ts';
import { plainTable } from './plain-table.ts';

const ORDER = { unhealthy: 0, inconclusive: 1, healthy: 2 } as const;
const MAX_DETAIL_CHARS = 90;

/** What is bad first; below the table, what to do about each. The first line alone is what a monitoring plugin shows. */
export function healthTable(report: HealthReport): string[] {
  const sorted = [...report.checks].sort((a, b) => ORDER[a.state] - ORDER[b.state]);
  const table = plainTable(
    ['', 'check', 'value', 'threshold', 'since', 'says'],
    ['left', 'left', 'right', 'right', 'left', 'left'],
  );
  const now = Date.parse(report.checkedAt);
  for (const check of sorted) table.push(row(check, now));
  const todo = sorted.filter((check) => check.todo !== '').flatMap(advice);
  return [
    headline(report),
    '',
    ...table
      .toString()
      .split('\n')
      .map((text) => text.trimEnd()),
    ...todo,
  ];
}

function headline({ state, severity, checks }: HealthReport): string {
  const count = (wanted: HealthLine['state']) => checks.filter((check) => check.state === wanted).length;
  const word = { healthy: 'OK', inconclusive: 'UNKNOWN', unhealthy: severity === 'critical' ? 'CRITICAL' : 'WARNING' }[
    state
  ];
  const names = checks.filter((check) => check.state === 'unhealthy').map(({ name }) => name);
  const parts = [
    `${count('healthy')} healthy`,
    `${count('unhealthy')} unhealthy`,
    `${count('inconclusive')} inconclusive`,
  ];
  return `${word}: ${parts.join(', ')}${names.length > 0 ? ` (${names.join(', ')})` : ''}`;
}

function row({ name, state, severity, value, unit, threshold, since, detail }: HealthLine, now: number): string[] {
  const mark = {
    healthy: pc.green('ok'),
    inconclusive: pc.yellow('?'),
    unhealthy: severity === 'critical' ? pc.red('critical') : pc.yellow('warning'),
  }[state];
  const shown = value === null ? '' : `${value}${unit ? ` ${unit}` : ''}`;
  const cut = detail.length > MAX_DETAIL_CHARS ? `${detail.slice(0, MAX_DETAIL_CHARS)}…` : detail;
  const age = durationWords(Math.max(0, now - Date.parse(since)));
  return [mark, name, shown, threshold === null ? '' : String(threshold), age, cut];
}

function advice({ name, detail, todo }: HealthLine): string[] {
  return ['', `${pc.bold(name)}: ${detail}`, `  ${todo}`];
}
