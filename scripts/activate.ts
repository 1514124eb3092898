/** Turns on what a restore in safe mode held back: cron jobs, webhooks, publications. See --help. */
import process from 'node:process';
import { runActivate } from './cli/run-activate.ts';

process.exitCode = await runActivate({
  args: process.argv.slice(2),
  environment: (name) => process.env[name],
  terminal: { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr },
});
