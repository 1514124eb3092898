/** From options and environment to what a restore needs; everything that is wrong with either is one error. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Environment, parseRestoreConfig, type RestoreConfig } from '../../supabase/functions/_shared/config.ts';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { canAsk } from './ask.ts';
import { databaseUrlProblems } from './database-url-problems.ts';
import { problemsOf } from './problems-of.ts';
import type { RawRestoreOptions } from './restore-command.ts';
import { anyKeyLocked, checkPassphrase, readKeyFile } from './restore-keys.ts';
import { parseRestoreOptions, type RestoreCommandOptions } from './restore-options.ts';
import { type RestoreSource, restoreSource } from './restore-source.ts';
import type { Terminal } from './terminal.ts';

const NO_TARGET = 'a target must be given: --target postgres://…, or RESTORE_TARGET_URL';
const NO_YES =
  '--on-conflict replace needs --yes where there is no terminal to ask on: it deletes what the tables hold';

export interface CheckedRestore {
  readonly options: RestoreCommandOptions;
  /** Empty where none is needed. */
  readonly targetUrl: string;
  readonly source: RestoreSource;
  readonly privateKeys: string | null;
  /** A private key is locked; without `passphrase` it is asked for. */
  readonly locked: boolean;
  readonly passphrase: string | undefined;
  readonly verifyKeys: string | null;
}

export interface RestoreSurroundings {
  readonly environment: Environment;
  readonly terminal: Terminal;
  /** False for a drill, which makes its own database; default true. */
  readonly needsTarget?: boolean;
}

/** Reads the key files, and nothing else. Throws CONFIG_INVALID with all problems. */
export async function checkRestoreInput(
  raw: RawRestoreOptions,
  { environment, terminal, needsTarget = true }: RestoreSurroundings,
): Promise<CheckedRestore> {
  const parsed = parseRestoreOptions(raw);
  const problems = 'problems' in parsed ? [...parsed.problems] : [];
  const { config, problems: configProblems } = readConfig(raw, { environment, needsTarget });
  problems.push(...configProblems);
  const targetUrl = needsTarget ? readTarget(raw, { config, problems }) : '';
  const source = restoreSource(raw, { store: config?.store ?? null, configBroken: config === null, problems });
  const keys = await readKeys(raw, { config, problems });
  const locked = keys.privateKeys !== null && (await anyKeyLocked(keys.privateKeys, problems));
  const passphrase = config?.passphrase?.reveal();
  if (config) checkPassphrase({ locked, given: passphrase !== undefined }, { terminal, problems });
  if (raw.onConflict === 'replace' && !raw.yes && !raw.dryRun && !canAsk(terminal)) problems.push(NO_YES);
  await checkReportFolders(raw.report ?? [], problems);
  if ('problems' in parsed || problems.length > 0 || targetUrl === null || source === null)
    throw restoreInputInvalid(problems);
  return { options: parsed.options, targetUrl, source, ...keys, locked, passphrase };
}

/** One error for all of them; exit code 2. */
export function restoreInputInvalid(problems: readonly string[]) {
  return ERRORS.CONFIG_INVALID(problems.join('; '), {
    details: { problems },
    hint: 'Correct the options and variables named above; nothing was read or changed. --help shows examples.',
  });
}

/** What an option says comes before its variable, and what is not used may be set badly. */
function readConfig(
  { from, target, privateKeyFile, verifyKeyFile }: RawRestoreOptions,
  { environment, needsTarget }: { environment: Environment; needsTarget: boolean },
): { config: RestoreConfig | null; problems: string[] } {
  const isHidden = (name: string) =>
    (from !== undefined && name.startsWith('BACKUP_S3_')) ||
    ((target !== undefined || !needsTarget) && name === 'RESTORE_TARGET_URL') ||
    (privateKeyFile !== undefined && name.startsWith('BACKUP_PGP_PRIVATE_KEYS')) ||
    (verifyKeyFile !== undefined && name.startsWith('BACKUP_VERIFY_KEYS'));
  try {
    return { config: parseRestoreConfig((name) => (isHidden(name) ? undefined : environment(name))), problems: [] };
  } catch (error) {
    const problems = problemsOf(error);
    if (problems.length === 0) throw error;
    return { config: null, problems };
  }
}

function readTarget(
  { target }: RawRestoreOptions,
  { config, problems }: { config: RestoreConfig | null; problems: string[] },
): string | null {
  const url = target ?? config?.targetUrl?.reveal() ?? null;
  if (url === null) {
    // A variable that breaks its rule has been reported already.
    if (config !== null) problems.push(NO_TARGET);
    return null;
  }
  problems.push(...databaseUrlProblems(url, target === undefined ? 'RESTORE_TARGET_URL' : '--target'));
  return url;
}

async function readKeys(
  { privateKeyFile, verifyKeyFile }: RawRestoreOptions,
  { config, problems }: { config: RestoreConfig | null; problems: string[] },
): Promise<Pick<CheckedRestore, 'privateKeys' | 'verifyKeys'>> {
  const fileOf = async (
    kind: 'PUBLIC' | 'PRIVATE',
    choices: readonly (readonly [name: string, path: string | null | undefined])[],
  ) => {
    const [name, path] = choices.find(([, one]) => one) ?? [];
    return name && path ? await readKeyFile(path, { name, kind, problems }) : null;
  };
  const privateKeys =
    config?.privateKeys?.reveal() ??
    (await fileOf('PRIVATE', [
      ['--private-key-file', privateKeyFile?.trim()],
      ['BACKUP_PGP_PRIVATE_KEYS_FILE', config?.privateKeysFile],
    ]));
  const verifyKeys =
    config?.verifyKeys ??
    (await fileOf('PUBLIC', [
      ['--verify-key-file', verifyKeyFile?.trim()],
      ['BACKUP_VERIFY_KEYS_FILE', config?.verifyKeysFile],
    ]));
  return { privateKeys, verifyKeys };
}

/** A report that cannot be written is found before the restore, not after it. */
async function checkReportFolders(paths: readonly string[], problems: string[]): Promise<void> {
  for (const path of paths) {
    const folder = await stat(dirname(path)).catch(() => null);
    const itself = await stat(path).catch(() => null);
    if (!folder?.isDirectory()) problems.push(`--report must be in a folder that exists: got '${path}'`);
    else if (itself?.isDirectory()) problems.push(`--report must not be a folder: got '${path}'`);
  }
}
