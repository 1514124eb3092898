/** Lists and shows the backups of a store, and rebuilds a project's ledger from them. See --help. */
import process from 'node:process';
import { runCatalogue } from './cli/run-catalogue.ts';

process.exitCode = await runCatalogue({
  args: process.argv.slice(2),
  environment: (name) => process.env[name],
  terminal: { stdout: process.stdout, stderr: process.stderr },
});
