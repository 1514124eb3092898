/** Exports the personal data of one user to a file, for operators. See --help. */
import process from 'node:process';
import { outliveReader } from './cli/outlive-reader.ts';
import { runSubjectExport } from './cli/run-subject-export.ts';

process.exitCode = await runSubjectExport({
  args: process.argv.slice(2),
  environment: (name) => process.env[name],
  terminal: { stdout: outliveReader(process.stdout), stderr: process.stderr },
});
