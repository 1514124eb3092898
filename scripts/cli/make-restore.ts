/** Restores, with progress for whoever watches, writes the report files, and reports. */
import type { RestoreReport } from '../../supabase/functions/_shared/restore/contracts.ts';
import { reportToJson } from '../../supabase/functions/_shared/restore/report-json.ts';
import type { RestoreMeans } from '../../supabase/functions/_shared/restore/restore-means.ts';
import { confirmReplace } from './confirm-replace.ts';
import { EXIT, exitCodeOfName } from './exit-code.ts';
import { listenForInterrupt } from './interrupt.ts';
import { writeError } from './report-failure.ts';
import { writeReportFiles } from './report-file.ts';
import type { RestoreCommandOptions } from './restore-options.ts';
import { restoreProgress } from './restore-progress.ts';
import { restoreReport } from './restore-report.ts';
import type { Output } from './run-export.ts';
import { targetWords } from './target-words.ts';
import { line } from './terminal.ts';

export interface RestoreRun extends Output {
  readonly options: RestoreCommandOptions;
  readonly means: RestoreMeans;
}

/** Returns the exit code. Throws what restoreDatabase() throws before its first write, and REPORT_NOT_WRITTEN after all of it. */
export async function makeRestore(run: RestoreRun): Promise<number> {
  const { options, means, terminal, json } = run;
  if (options.restore.onConflict === 'replace' && !options.yes)
    await confirmReplace({ means, options: options.restore, terminal });
  const { report, interrupted } = await restoreWithProgress(run);
  const unwritten = await writeReportFiles(report, options.reports).then(
    () => null,
    (error: unknown) => error,
  );
  if (json) line(terminal.stdout, JSON.stringify(reportToJson(report)));
  else showReport(run, report, unwritten === null);
  if (unwritten !== null) throw unwritten;
  return interrupted ? EXIT.interrupted : exitCodeOfReport(report);
}

async function restoreWithProgress(run: RestoreRun): Promise<{ report: RestoreReport; interrupted: boolean }> {
  const { options, means, terminal } = run;
  const { restoreDatabase } = await import('../../supabase/functions/_shared/restore/restore-database.ts');
  const progress = restoreProgress(terminal, { verbose: options.verbose });
  const interrupt = listenForInterrupt((signalName) => {
    progress.stop();
    line(
      terminal.stderr,
      `${signalName}: stopping; the same command goes on where this one stops. Once more to stop without a report`,
    );
  });
  try {
    const report = await restoreDatabase(means, {
      options: options.restore,
      signal: interrupt.signal,
      onEvent: (event) => {
        if (!interrupt.signal.aborted) progress.show(event);
      },
    });
    return { report, interrupted: interrupt.signal.aborted && report.status === 'failed' };
  } finally {
    interrupt.dispose();
    progress.stop();
  }
}

function showReport({ options, means, terminal }: RestoreRun, report: RestoreReport, written: boolean): void {
  const files = written ? options.reports.map(({ path }) => path) : [];
  const view = { report, target: targetWords(means.targetUrl), files };
  for (const text of restoreReport(view)) line(terminal.stdout, text);
  if (report.error) writeError(report.error, terminal);
}

function exitCodeOfReport({ status, error }: RestoreReport): number {
  if (status === 'completed') return EXIT.ok;
  if (status === 'completed_with_limits') return EXIT.completedWithLimits;
  return error ? exitCodeOfName(error.code) : EXIT.failed;
}
