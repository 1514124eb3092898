/** Channels, rules and problems of a project's alerts. See --help. */
import process from 'node:process';
import { runAlerts } from './cli/run-alerts.ts';

process.exitCode = await runAlerts({
  args: process.argv.slice(2),
  environment: (name) => process.env[name],
  terminal: { stdout: process.stdout, stderr: process.stderr },
});
