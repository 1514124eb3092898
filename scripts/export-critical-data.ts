/** Exports a database to a bucket or a directory: consistent, compressed, encrypted, verified. See --help. */
import process from 'node:process';
import { endWith } from './cli/end-with.ts';
import { runExport } from './cli/run-export.ts';

endWith(
  await runExport({
    args: process.argv.slice(2),
    environment: (name) => process.env[name],
    terminal: { stdout: process.stdout, stderr: process.stderr },
  }),
);
