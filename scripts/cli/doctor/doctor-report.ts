import pc from 'picocolors';
import { countWords } from '../../../supabase/functions/_shared/domain/count-words.ts';
import { line, type Terminal } from '../terminal.ts';
import type { Finding } from './finding.ts';
import type { Examined } from './run-examinations.ts';

const MARKS: Record<Finding['state'], string> = {
  ok: pc.green('✓'),
  warning: pc.yellow('!'),
  problem: pc.red('✗'),
  skipped: pc.dim('-'),
};

/** One group, as soon as it is known. */
export function showExamined({ title, findings }: Examined, { stdout }: Terminal): void {
  line(stdout, pc.bold(title));
  for (const { name, state, message, mend } of findings) {
    line(stdout, `  ${MARKS[state]} ${name}: ${message}`);
    if (mend !== null) line(stdout, `      ${pc.dim('→')} ${mend}`);
  }
}

export function showVerdict(examined: readonly Examined[], { stdout }: Terminal): void {
  const count = (state: Finding['state']) =>
    examined.flatMap(({ findings }) => findings).filter((one) => one.state === state).length;
  const skips = count('skipped') > 0 ? `, ${count('skipped')} not examined` : '';
  line(stdout, '');
  line(stdout, `${countWords(count('problem'), 'problem')}, ${countWords(count('warning'), 'warning')}${skips}`);
}

export function doctorJson(examined: readonly Examined[]): string {
  const findings = examined.flatMap(({ name, findings }) => findings.map((one) => ({ examination: name, ...one })));
  const has = (state: Finding['state']) => findings.filter((one) => one.state === state).length;
  return JSON.stringify({
    healthy: has('problem') === 0,
    problems: has('problem'),
    warnings: has('warning'),
    skipped: has('skipped'),
    findings,
  });
}
