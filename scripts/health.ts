/** Says how well the backups of a project are, from its database and the configuration. See --help. */
import process from 'node:process';
import { runHealth } from './cli/run-health.ts';

process.exitCode = await runHealth({
  args: process.argv.slice(2),
  environment: (name) => process.env[name],
  terminal: { stdout: process.stdout, stderr: process.stderr },
});
