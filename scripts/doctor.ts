/** Examines a whole installation and says how to mend what is wrong. See --help. */
import process from 'node:process';
import { runDoctor } from './cli/doctor/run-doctor.ts';

process.exitCode = await runDoctor({
  args: process.argv.slice(2),
  environment: (name) => process.env[name],
  terminal: { stdout: process.stdout, stderr: process.stderr },
});
