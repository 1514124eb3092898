/** From options and environment to what an erasure by an operator needs; everything that is wrong is one error. */
import { existsSync, statSync } from 'node:fs';
import type { Sql } from 'postgres';
import type { EraseMeans } from '../../supabase/functions/_shared/account/erase/erase-means.ts';
import { createSigner } from '../../supabase/functions/_shared/archive/sign-manifest.ts';
import { type Environment, parseScriptConfig } from '../../supabase/functions/_shared/config.ts';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { databaseUrlProblems } from './database-url-problems.ts';
import type { RawErasureOptions } from './erasure-command.ts';
import { openStore } from './export-setup.ts';
import { readKeyFile } from './restore-keys.ts';

export type ErasureTask =
  | { readonly kind: 'plan' | 'erase'; readonly user: string }
  | { readonly kind: 'resume' | 'certificate'; readonly erasure: string };

export interface ErasureInput {
  readonly task: ErasureTask;
  readonly databaseUrl: string;
  /** What erases; the connection is the caller's. */
  readonly meansWith: (sql: Sql) => EraseMeans;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Throws CONFIG_INVALID with all problems, KEY_UNUSABLE. */
export async function checkErasureInput(raw: RawErasureOptions, environment: Environment): Promise<ErasureInput> {
  const problems: string[] = [];
  const task = readTask(raw, problems);
  const executes = task?.kind === 'erase' || task?.kind === 'resume';
  const config = parseScriptConfig((name) =>
    name.startsWith('BACKUP_PGP_') ||
    (!executes && name.startsWith('BACKUP_')) ||
    (raw.ledger !== undefined && name.startsWith('BACKUP_S3_'))
      ? undefined
      : environment(name),
  );
  problems.push(...databaseUrlProblems(config.databaseUrl.reveal(), 'DATABASE_URL'));
  const supabaseUrl = environment('SUPABASE_URL') ?? '';
  const serviceKey = environment('SUPABASE_SERVICE_ROLE_KEY') ?? '';
  if (executes && (supabaseUrl === '' || serviceKey === ''))
    problems.push(
      'SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY must be set: files and the account are deleted through its APIs',
    );
  if (executes && raw.ledger === undefined && config.store === null)
    problems.push(
      'the bucket of the backups (BACKUP_S3_…) or --ledger must be given: what is erased is written there first',
    );
  if (raw.ledger !== undefined && !(existsSync(raw.ledger) && statSync(raw.ledger).isDirectory()))
    problems.push(`--ledger must be a directory that exists: got '${raw.ledger}'`);
  if (raw.out !== undefined && !/\.(json|html)$/i.test(raw.out))
    problems.push(`--out must end in .json or .html: got '${raw.out}'`);
  const armored =
    config.signingKey?.armored.reveal() ??
    (config.signingKeyFile
      ? await readKeyFile(config.signingKeyFile, { name: 'BACKUP_SIGNING_KEY_FILE', kind: 'PRIVATE', problems })
      : null);
  if (task === null || problems.length > 0) throw erasureInputInvalid(problems);
  const signer = armored === null ? null : await createSigner(armored, config.signingKeyPassphrase?.reveal());
  const store = executes ? openStore(config, raw.ledger ?? null) : null;
  return {
    task,
    databaseUrl: config.databaseUrl.reveal(),
    meansWith: (sql) => ({
      sql,
      store: () => store!,
      project: { supabaseUrl, serviceKey, fetch },
      signer: async () => signer,
    }),
  };
}

/** One error for all of them; exit code 2. */
export function erasureInputInvalid(problems: readonly string[]) {
  return ERRORS.CONFIG_INVALID(problems.join('; '), {
    details: { problems },
    hint: 'Correct what is named above; nothing was erased. --help shows examples.',
  });
}

function readTask(raw: RawErasureOptions, problems: string[]): ErasureTask | null {
  const given = (['user', 'resume', 'certificate'] as const).filter((name) => raw[name] !== undefined);
  const [name, ...others] = given;
  if (name === undefined || others.length > 0) {
    problems.push('one of --user, --resume and --certificate must be given, and only one');
    return null;
  }
  const id = raw[name]!;
  if (!UUID.test(id)) problems.push(`--${name} must be a uuid: got '${id}'`);
  if (raw.dryRun && raw.yes) problems.push('--dry-run and --yes exclude each other');
  if (name === 'resume' && !raw.yes) problems.push('--resume needs --yes: it erases');
  if (name === 'user') return { kind: raw.yes ? 'erase' : 'plan', user: id.toLowerCase() };
  return { kind: name, erasure: id.toLowerCase() };
}
