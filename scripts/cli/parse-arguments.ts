import { type Command, CommanderError } from 'commander';
import type { HoldfastError } from '../../supabase/functions/_shared/errors.ts';

/** The command with its options, or null when help was all that was asked for. Throws `invalid` for arguments it does not know. */
export function parseArguments(
  command: Command,
  args: readonly string[],
  invalid: (problems: string[]) => HoldfastError,
): Command | null {
  try {
    return command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return null;
    // A group of commands without one of them: commander prints its help and says nothing else.
    if (error.code === 'commander.help') throw invalid(['say which of the commands: --help lists them']);
    throw invalid([error.message.replace(/^error: /, '')]);
  }
}
