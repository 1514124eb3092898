/** Proposes whose data is in which table, and writes it when asked to. See --help. */
import process from 'node:process';
import { runDiscover } from './cli/discover/run-discover.ts';
import { outliveReader } from './cli/outlive-reader.ts';

process.exitCode = await runDiscover({
  args: process.argv.slice(2),
  environment: (name) => process.env[name],
  terminal: { stdout: outliveReader(process.stdout), stderr: process.stderr },
});
