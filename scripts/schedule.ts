/** Lists and changes the schedules of a project, and its maintenance windows. See --help. */
import process from 'node:process';
import { runSchedule } from './cli/run-schedule.ts';

process.exitCode = await runSchedule({
  args: process.argv.slice(2),
  environment: (name) => process.env[name],
  terminal: { stdout: process.stdout, stderr: process.stderr },
});
