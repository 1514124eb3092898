/** Restores a backup into a database: checked first, planned, in the order of the phases, resumable. See --help. */
import process from 'node:process';
import { endWith } from './cli/end-with.ts';
import { runRestore } from './cli/run-restore.ts';

endWith(
  await runRestore({
    args: process.argv.slice(2),
    environment: (name) => process.env[name],
    terminal: { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr },
  }),
);
