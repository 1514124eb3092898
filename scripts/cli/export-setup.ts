/** From options and environment to what an export needs; everything that is wrong with either is one error. */
import { readFile } from 'node:fs/promises';
import { plainCipher, type RecipientCipher } from '../../supabase/functions/_shared/archive/cipher.ts';
import { createCodec } from '../../supabase/functions/_shared/archive/codec.ts';
import { createSigner } from '../../supabase/functions/_shared/archive/sign-manifest.ts';
import type { BackupMeans } from '../../supabase/functions/_shared/backup/backup-settings.ts';
import { createNodeCipher } from '../../supabase/functions/_shared/cipher-node.ts';
import { type Environment, parseScriptConfig, type ScriptConfig } from '../../supabase/functions/_shared/config.ts';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import type { CpuPool } from '../../supabase/functions/_shared/platform.ts';
import { nodePlatform } from '../../supabase/functions/_shared/platform-node.ts';
import { createDirectoryStore } from '../../supabase/functions/_shared/stores/directory-store.ts';
import { createS3Store } from '../../supabase/functions/_shared/stores/s3-store.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { databaseUrlProblems } from './database-url-problems.ts';
import type { RawExportOptions } from './export-command.ts';
import { type ExportOptions, parseExportOptions } from './export-options.ts';
import { problemsOf } from './problems-of.ts';
import { nodeS3Tuning } from './s3-tuning.ts';

const NO_STORE =
  'a bucket must be given (BACKUP_S3_BUCKET, BACKUP_S3_ACCESS_KEY_ID, BACKUP_S3_SECRET_ACCESS_KEY …), or --out with a directory, or --archive';
const BUCKET_AND_ARCHIVE =
  '--archive writes a file of this machine, but BACKUP_S3_BUCKET names a bucket: unset it, or leave --archive away';
const NO_KEYS = 'BACKUP_PGP_PUBLIC_KEYS (or BACKUP_PGP_PUBLIC_KEYS_FILE) must be set, unless --no-encrypt is given';

export interface CheckedInput {
  readonly options: ExportOptions;
  readonly config: ScriptConfig;
  readonly publicKeys: string | null;
  readonly signing: { readonly armored: string; readonly passphrase?: string } | null;
}

/** Reads the key files, and nothing else. Throws CONFIG_INVALID with all problems, or ENCRYPTION_REQUIRED. */
export async function checkInput(raw: RawExportOptions, environment: Environment): Promise<CheckedInput> {
  const parsed = parseExportOptions(raw);
  const problems = 'problems' in parsed ? [...parsed.problems] : [];
  const config = readConfig(environment, { local: raw.out !== undefined || raw.archive !== undefined, problems });
  const keys = config ? await readKeys(config, problems) : { publicKeys: null, signing: null };
  if (config && !config.store && raw.out === undefined && raw.archive === undefined) problems.push(NO_STORE);
  if (raw.archive !== undefined && environment('BACKUP_S3_BUCKET')) problems.push(BUCKET_AND_ARCHIVE);
  if (config) problems.push(...databaseUrlProblems(config.databaseUrl.reveal(), 'DATABASE_URL'));
  const keysMissing = config !== null && raw.encrypt !== false && keys.publicKeys === null && !config.publicKeysFile;
  if (keysMissing && problems.length === 0) throw ERRORS.ENCRYPTION_REQUIRED('there is no public key to encrypt to');
  if (keysMissing) problems.push(NO_KEYS);
  if ('problems' in parsed || config === null || problems.length > 0) throw inputInvalid(problems);
  return { options: parsed.options, config, ...keys };
}

export function inputInvalid(problems: string[]) {
  return ERRORS.CONFIG_INVALID(problems.join('; '), {
    details: { problems },
    hint: 'Correct the options and variables named above; nothing was exported. --help shows examples.',
  });
}

function readConfig(
  environment: Environment,
  { local, problems }: { local: boolean; problems: string[] },
): ScriptConfig | null {
  // A bucket that is not written to may be configured badly.
  const seen: Environment = (name) => (local && name.startsWith('BACKUP_S3_') ? undefined : environment(name));
  try {
    return parseScriptConfig(seen);
  } catch (error) {
    const found = problemsOf(error);
    if (found.length === 0) throw error;
    problems.push(...found);
    return null;
  }
}

async function readKeys(
  config: ScriptConfig,
  problems: string[],
): Promise<Pick<CheckedInput, 'publicKeys' | 'signing'>> {
  const read = async (variable: string, path: string | null) => {
    if (path === null) return null;
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      problems.push(`${variable} must name a file that can be read: ${(error as Error).message}`);
      return null;
    }
  };
  const publicKeys = config.publicKeys ?? (await read('BACKUP_PGP_PUBLIC_KEYS_FILE', config.publicKeysFile));
  const armored = config.signingKey?.armored.reveal() ?? (await read('BACKUP_SIGNING_KEY_FILE', config.signingKeyFile));
  const passphrase = config.signingKeyPassphrase?.reveal();
  return { publicKeys, signing: armored === null ? null : { armored, passphrase } };
}

/** The store alone, for what needs neither database nor keys. */
export function openStore(config: ScriptConfig, outDirectory: string | null): Store {
  if (outDirectory !== null) return createDirectoryStore(outDirectory);
  const { secretAccessKey, ...options } = config.store!;
  return createS3Store({ ...options, ...nodeS3Tuning, secretAccessKey: secretAccessKey.reveal() });
}

/** Throws KEY_UNUSABLE before any work; the warnings are about keys that expire soon. */
export async function buildMeans(
  { options, config, publicKeys, signing }: CheckedInput,
  pool: CpuPool,
): Promise<{ means: BackupMeans; warnings: readonly string[] }> {
  const cipher: RecipientCipher = options.encrypt ? await createNodeCipher(publicKeys!) : plainCipher();
  const signer = signing && (await createSigner(signing.armored, signing.passphrase));
  const means: BackupMeans = {
    platform: nodePlatform,
    databaseUrl: config.databaseUrl.reveal(),
    store: openStore(config, options.outDirectory ?? options.archiveDirectory),
    cipher,
    signing: signer && (async () => signer),
    codecFor: (name) => createCodec(name, { pool }),
  };
  return { means, warnings: cipher.warnings };
}
