import type { HealthLine, HealthReport } from './contracts.ts';

const MARKS = { healthy: 'ok', unhealthy: 'BAD', inconclusive: '?' } as const;

/** The report for a person in a terminal without any library: problems with what to do first, then one line for each check. */
export function healthReportText({ state, severity, checkedAt, checks }: HealthReport): string {
  const order = { unhealthy: 0, inconclusive: 1, healthy: 2 } as const;
  const sorted = [...checks].sort((a, b) => order[a.state] - order[b.state]);
  const head = `${state}${severity ? ` (${severity})` : ''}, checked at ${checkedAt}`;
  return `${[head, '', ...sorted.flatMap(lines)].join('\n')}\n`;
}

function lines({ name, title, state, severity, detail, todo, since }: HealthLine): string[] {
  const mark = state === 'unhealthy' ? `${MARKS[state]} ${severity}` : MARKS[state];
  const line = `${mark.padEnd(12)} ${name.padEnd(20)} ${title}: ${detail}, since ${since.slice(0, 16)}Z`;
  return todo === '' ? [line] : [line, `${''.padEnd(34)}-> ${todo}`];
}
