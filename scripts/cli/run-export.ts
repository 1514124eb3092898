/** The command from its arguments to its exit code. Entry files give it the process's own streams and environment. */
import { CommanderError } from 'commander';
import type { Environment } from '../../supabase/functions/_shared/config.ts';
import { createCpuPool } from '../../supabase/functions/_shared/cpu-pool-node.ts';
import { collectRarely } from './collect-rarely.ts';
import { EXIT } from './exit-code.ts';
import { exportCommand, type RawExportOptions } from './export-command.ts';
import { buildMeans, checkInput, inputInvalid } from './export-setup.ts';
import { makeExport } from './make-export.ts';
import { reportFailure } from './report-failure.ts';
import { showPlan } from './show-plan.ts';
import { showUnfinished } from './show-unfinished.ts';
import type { Terminal } from './terminal.ts';
import { warn } from './warnings.ts';

export interface ExportProcess {
  /** Without node and the script. */
  readonly args: readonly string[];
  readonly environment: Environment;
  readonly terminal: Terminal;
}

/** Never throws: what goes wrong is reported and becomes the exit code. */
export async function runExport({ args, environment, terminal }: ExportProcess): Promise<number> {
  // Known before the arguments are: a failure to read them is reported in the form that was asked for.
  const json = args.includes('--json');
  try {
    const raw = readArguments(args, terminal);
    if (raw === null) return EXIT.ok;
    if (raw.cleanUnfinished) return await showUnfinished(raw, { environment, terminal, json });
    return await exportOrPlan(raw, { environment, terminal, json });
  } catch (error) {
    return reportFailure(error, terminal, { json, verbose: args.includes('--verbose') });
  }
}

/** null when help was all that was asked for. */
function readArguments(args: readonly string[], { stdout }: Terminal): RawExportOptions | null {
  const command = exportCommand((text) => stdout.write(text));
  try {
    return command.parse(args, { from: 'user' }).opts<RawExportOptions>();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return null;
    throw inputInvalid([error.message.replace(/^error: /, '')]);
  }
}

export interface Output {
  readonly terminal: Terminal;
  /** One object on stdout, and nothing else anywhere but an interrupt's notice. */
  readonly json: boolean;
}

async function exportOrPlan(raw: RawExportOptions, context: Output & { environment: Environment }): Promise<number> {
  const input = await checkInput(raw, context.environment);
  collectRarely();
  const pool = createCpuPool();
  try {
    const { means, warnings } = await buildMeans(input, pool);
    for (const warning of warnings) warn(context, warning);
    const job = { options: input.options, means, warnings, ...context };
    return input.options.dryRun ? await showPlan(job) : await makeExport(job);
  } finally {
    await pool.close();
  }
}
