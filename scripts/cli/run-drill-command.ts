/** The drill command from its arguments to its exit code. */
import type { Environment } from '../../supabase/functions/_shared/config.ts';
import { drillHead } from '../../supabase/functions/_shared/restore/drill/drill-head.ts';
import { reportToJson } from '../../supabase/functions/_shared/restore/report-json.ts';
import type { DrillReport } from '../../supabase/functions/_shared/restore/run-drill.ts';
import { drillCommand, type RawDrillOptions } from './drill-command.ts';
import { EXIT, exitCodeOfName } from './exit-code.ts';
import { makeDrill } from './make-drill.ts';
import { parseArguments } from './parse-arguments.ts';
import { reportFailure, writeError } from './report-failure.ts';
import { writeReportFiles } from './report-file.ts';
import { restoreReport } from './restore-report.ts';
import { checkRestoreInput, restoreInputInvalid } from './restore-setup.ts';
import type { CommandProcess } from './run-restore.ts';
import { line, type Terminal } from './terminal.ts';

/** Never throws: what goes wrong is reported and becomes the exit code. */
export async function runDrillCommand({ args, environment, terminal }: CommandProcess): Promise<number> {
  const json = args.includes('--json');
  try {
    const command = parseArguments(
      drillCommand((text) => terminal.stdout.write(text)),
      args,
      restoreInputInvalid,
    );
    if (command === null) return EXIT.ok;
    return await drill(command.opts<RawDrillOptions>(), { environment, terminal, json });
  } catch (error) {
    return reportFailure(error, terminal, { json, verbose: args.includes('--verbose') });
  }
}

async function drill(
  raw: RawDrillOptions,
  { environment, terminal, json }: { environment: Environment; terminal: Terminal; json: boolean },
): Promise<number> {
  const chosen = [raw.weekly && 'weekly', raw.monthly && 'monthly', raw.backup !== undefined && 'backup'].filter(
    Boolean,
  );
  if (chosen.length !== 1) {
    throw restoreInputInvalid(['one of --weekly, --monthly and --backup must be given, and only one']);
  }
  const kind = raw.weekly ? 'weekly' : raw.monthly ? 'monthly' : 'on-demand';
  const input = await checkRestoreInput(
    { ...raw, backup: raw.backup ?? 'latest' },
    { environment, terminal, needsTarget: false },
  );
  const databaseUrl = raw.record === false ? null : (environment('DATABASE_URL') ?? null);
  const { report, recorded } = await makeDrill({ kind, input, erasures: raw, databaseUrl, terminal });
  await writeReportFiles(report, input.options.reports, drillHead(report, { mode: 'restore', status: report.verdict }));
  if (json)
    line(
      terminal.stdout,
      JSON.stringify({
        ...reportToJson(report),
        kind,
        verdict: report.verdict,
        environment: report.environment,
        recorded,
      }),
    );
  else show(report, { kind, recorded, files: input.options.reports.map(({ path }) => path), terminal });
  return exitCode(report);
}

function show(
  report: DrillReport,
  { kind, recorded, files, terminal }: { kind: string; recorded: string | null; files: string[]; terminal: Terminal },
): void {
  for (const text of restoreReport({ report, target: report.environment, drill: report.verdict, files }))
    line(terminal.stdout, text);
  const words = { passed: 'passed', failed: 'FAILED', inconclusive: 'is inconclusive' }[report.verdict];
  const record = recorded ? `recorded in backup_tests as ${recorded}` : 'not recorded (no DATABASE_URL)';
  line(terminal.stdout, `The ${kind} drill ${words}; the database was thrown away; ${record}.`);
  if (report.error) writeError(report.error, terminal);
}

function exitCode({ verdict, error }: DrillReport): number {
  if (verdict === 'passed') return EXIT.ok;
  if (error?.code === 'RESTORE_INTERRUPTED') return exitCodeOfName(error.code);
  if (verdict === 'inconclusive') return EXIT.completedWithLimits;
  return error ? exitCodeOfName(error.code) : EXIT.failed;
}
