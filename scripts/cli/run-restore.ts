/** The command from its arguments to its exit code. Entry files give it the process's own streams and environment. */
import type { Command } from 'commander';
import type { Environment } from '../../supabase/functions/_shared/config.ts';
import { nodePlatform } from '../../supabase/functions/_shared/platform-node.ts';
import { EXIT } from './exit-code.ts';
import { makeRestore } from './make-restore.ts';
import { parseArguments } from './parse-arguments.ts';
import { reportFailure } from './report-failure.ts';
import { type RawRestoreOptions, restoreCommand } from './restore-command.ts';
import { checkRestoreInput, restoreInputInvalid } from './restore-setup.ts';
import type { Output } from './run-export.ts';
import type { Terminal } from './terminal.ts';

export interface CommandProcess {
  /** Without node and the script. */
  readonly args: readonly string[];
  readonly environment: Environment;
  readonly terminal: Terminal;
}

/** Never throws: what goes wrong is reported and becomes the exit code. */
export async function runRestore({ args, environment, terminal }: CommandProcess): Promise<number> {
  // Known before the arguments are: a failure to read them is reported in the form that was asked for.
  const json = args.includes('--json');
  try {
    const command = parseArguments(
      restoreCommand((text) => terminal.stdout.write(text)),
      args,
      restoreInputInvalid,
    );
    return command === null ? EXIT.ok : await restoreOrPlan(rawOptions(command), { environment, terminal, json });
  } catch (error) {
    return reportFailure(error, terminal, { json, verbose: args.includes('--verbose') });
  }
}

function rawOptions(command: Command): RawRestoreOptions {
  return { ...command.opts<RawRestoreOptions>(), backup: command.args[0] };
}

async function restoreOrPlan(
  raw: RawRestoreOptions,
  { environment, ...output }: Output & { environment: Environment },
): Promise<number> {
  const input = await checkRestoreInput(raw, { environment, terminal: output.terminal });
  const { openBackup } = await import('./open-backup.ts');
  const { archive, close } = await openBackup(input, output.terminal);
  try {
    const { openErasures } = await import('./open-erasures.ts');
    const erasures = await openErasures(raw, input);
    const means = { platform: nodePlatform, targetUrl: input.targetUrl, archive, erasures };
    if (!input.options.dryRun) return await makeRestore({ options: input.options, means, ...output });
    const { showRestorePlan } = await import('./show-restore-plan.ts');
    return await showRestorePlan({ means, options: input.options.restore }, output);
  } finally {
    await close();
  }
}
