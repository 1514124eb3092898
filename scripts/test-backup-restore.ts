/** A restore drill: a backup is restored into a throw-away database, checked and recorded. See --help. */
import process from 'node:process';
import { endWith } from './cli/end-with.ts';
import { runDrillCommand } from './cli/run-drill-command.ts';

endWith(
  await runDrillCommand({
    args: process.argv.slice(2),
    environment: (name) => process.env[name],
    terminal: { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr },
  }),
);
