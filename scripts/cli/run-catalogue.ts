/** The command from its arguments to its exit code. The entry file gives it the process's own streams and environment. */
import { statSync } from 'node:fs';
import { CommanderError } from 'commander';
import { type Environment, parseStoreConfig } from '../../supabase/functions/_shared/config.ts';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { createDirectoryStore } from '../../supabase/functions/_shared/stores/directory-store.ts';
import { createS3Store } from '../../supabase/functions/_shared/stores/s3-store.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { type CatalogueRequest, catalogueCommand } from './catalogue-command.ts';
import { parseListFilter } from './catalogue-options.ts';
import { EXIT } from './exit-code.ts';
import { listCatalogue } from './list-catalogue.ts';
import { ledgerUrl, rebuildCatalogue } from './rebuild-catalogue.ts';
import { reportFailure } from './report-failure.ts';
import type { ExportProcess as CatalogueProcess, Output } from './run-export.ts';
import { nodeS3Tuning } from './s3-tuning.ts';
import { showBackup } from './show-backup.ts';
import type { Terminal } from './terminal.ts';

/** Never throws: what goes wrong is reported and becomes the exit code. */
export async function runCatalogue({ args, environment, terminal }: CatalogueProcess): Promise<number> {
  const json = args.includes('--json');
  try {
    const request = readArguments(args, terminal);
    return request === null ? EXIT.ok : await answer(request, { environment, terminal, json });
  } catch (error) {
    return reportFailure(error, terminal, { json, verbose: args.includes('--verbose') });
  }
}

async function answer(
  { subcommand, backup, raw }: CatalogueRequest,
  { environment, ...output }: Output & { environment: Environment },
): Promise<number> {
  const problems: string[] = [];
  const filter = parseListFilter(raw, problems);
  if (raw.from !== undefined && !isDirectory(raw.from))
    problems.push(`--from must be a directory that exists: got '${raw.from}'`);
  if (problems.length > 0) throw invalid(problems);
  const databaseUrl = subcommand === 'rebuild' ? ledgerUrl(environment) : null;
  const store = openStore(raw.from, environment);
  if (databaseUrl !== null)
    return await rebuildCatalogue(store, { databaseUrl, dryRun: raw.dryRun ?? false, ...output });
  if (backup !== null) return await showBackup(store, backup, output);
  return await listCatalogue(store, filter, output);
}

/** null when help was all that was asked for. */
function readArguments(args: readonly string[], { stdout }: Terminal): CatalogueRequest | null {
  const requests: CatalogueRequest[] = [];
  try {
    catalogueCommand(
      (text) => stdout.write(text),
      (request) => requests.push(request),
    ).parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return null;
    const text = error.code === 'commander.help' ? 'say what to do: list, show or rebuild' : error.message;
    throw invalid([text.replace(/^error: /, '')]);
  }
  return requests[0] ?? null;
}

function invalid(problems: string[]) {
  return ERRORS.CONFIG_INVALID(problems.join('; '), {
    details: { problems },
    hint: 'Correct what is named above; nothing was changed. --help shows examples.',
  });
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function openStore(from: string | undefined, environment: Environment): Store {
  if (from !== undefined) return createDirectoryStore(from);
  const { secretAccessKey, ...options } = parseStoreConfig(environment);
  return createS3Store({ ...options, ...nodeS3Tuning, secretAccessKey: secretAccessKey.reveal() });
}
