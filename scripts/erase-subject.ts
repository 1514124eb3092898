/** Erases one user's account and personal data, for operators. See --help. */
import process from 'node:process';
import { outliveReader } from './cli/outlive-reader.ts';
import { runErasure } from './cli/run-erasure.ts';

process.exitCode = await runErasure({
  args: process.argv.slice(2),
  environment: (name) => process.env[name],
  terminal: { stdin: process.stdin, stdout: outliveReader(process.stdout), stderr: process.stderr },
});
