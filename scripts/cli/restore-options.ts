import type { ConflictRule, RestoreOptions } from '../../supabase/functions/_shared/restore/contracts.ts';
import { type ReportFile, readReportFiles } from './report-file.ts';
import type { RawRestoreOptions } from './restore-command.ts';

export interface RestoreCommandOptions {
  /** `latest`, an id, a folder or a file. */
  readonly wanted: string;
  /** --from: a directory store instead of the bucket. */
  readonly fromDirectory: string | null;
  readonly restore: RestoreOptions;
  readonly reports: readonly ReportFile[];
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly verbose: boolean;
}

const MAX_JOBS = 16;
/** PostgreSQL cuts longer names, silently. */
const MAX_NAME_BYTES = 63;
const CONFLICT_RULES = ['fail', 'skip', 'replace'] as const satisfies readonly ConflictRule[];
const NO_BACKUP = 'a backup must be named: latest, a backup id, a folder, or a file.tar.gz';

/** True for the argument that names a local archive. */
export function isArchiveFile(wanted: string): boolean {
  return /\.(tar\.gz|tgz)$/i.test(wanted);
}

/** Everything that is wrong with the options, or the options. Pure: nothing is looked up anywhere. */
export function parseRestoreOptions(
  raw: RawRestoreOptions,
): { options: RestoreCommandOptions } | { problems: string[] } {
  const problems: string[] = [];
  const wanted = raw.backup?.trim() ?? '';
  if (wanted === '') problems.push(NO_BACKUP);
  const options: RestoreCommandOptions = {
    wanted,
    fromDirectory: readFrom(raw.from, { wanted, problems }),
    restore: {
      tables: readNames(raw.tables, { option: '--tables', problems }),
      schemas: readNames(raw.schema, { option: '--schema', problems }),
      renameSchema: readRename(raw, problems),
      only: readOnly(raw, problems),
      onConflict: readConflict(raw.onConflict, problems),
      jobs: readJobs(raw.jobs ?? '2', problems),
      activate: raw.activate ?? false,
    },
    reports: readReportFiles(raw.report ?? [], problems),
    dryRun: raw.dryRun ?? false,
    yes: raw.yes ?? false,
    verbose: raw.verbose ?? false,
  };
  checkPaths(raw, problems);
  return problems.length > 0 ? { problems } : { options };
}

function readFrom(
  text: string | undefined,
  { wanted, problems }: { wanted: string; problems: string[] },
): string | null {
  if (text === undefined) return null;
  if (text.trim() === '') problems.push('--from must name a directory');
  if (isArchiveFile(wanted)) problems.push(`--from does not go with an archive file: got '${wanted}'`);
  return text;
}

function readNames(
  names: readonly string[] | undefined,
  { option, problems }: { option: string; problems: string[] },
): readonly string[] | null {
  if (names === undefined) return null;
  if (names.length === 0) problems.push(`${option} must name at least one`);
  if (names.some((name) => name.includes('\0'))) problems.push(`${option} must not contain a zero byte`);
  return names;
}

function readRename({ renameSchema, schema }: RawRestoreOptions, problems: string[]): RestoreOptions['renameSchema'] {
  if (renameSchema === undefined) return null;
  const [from = '', to = '', ...rest] = renameSchema.split(':');
  if (from === '' || to === '' || rest.length > 0) {
    problems.push(`--rename-schema must look like old:new, two names with one colon: got '${renameSchema}'`);
    return null;
  }
  if (from === to) problems.push(`--rename-schema must give another name: got '${renameSchema}'`);
  if (/^pg_/.test(to) || to === 'information_schema')
    problems.push(`--rename-schema must not name a schema of the system: got '${to}'`);
  if (new TextEncoder().encode(to).length > MAX_NAME_BYTES)
    problems.push(`--rename-schema must give a name of at most ${MAX_NAME_BYTES} bytes: got '${to}'`);
  if (schema !== undefined && !schema.includes(from))
    problems.push(`--rename-schema renames '${from}', which --schema leaves out: got --schema ${schema.join(',')}`);
  return { from, to };
}

function readOnly({ dataOnly, schemaOnly }: RawRestoreOptions, problems: string[]): RestoreOptions['only'] {
  if (dataOnly && schemaOnly) problems.push('--data-only and --schema-only exclude each other');
  if (dataOnly) return 'data';
  return schemaOnly ? 'schema' : null;
}

function readConflict(text: string | undefined, problems: string[]): ConflictRule {
  const rule = CONFLICT_RULES.find((one) => one === (text ?? 'fail'));
  if (rule === undefined) problems.push(`--on-conflict must be one of ${CONFLICT_RULES.join(', ')}: got '${text}'`);
  return rule ?? 'fail';
}

function readJobs(text: string, problems: string[]): number {
  const jobs = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (jobs < 1 || jobs > MAX_JOBS) problems.push(`--jobs must be a number from 1 to ${MAX_JOBS}: got '${text}'`);
  return jobs;
}

function checkPaths({ privateKeyFile, verifyKeyFile }: RawRestoreOptions, problems: string[]): void {
  if (privateKeyFile?.trim() === '') problems.push('--private-key-file must name a file');
  if (verifyKeyFile?.trim() === '') problems.push('--verify-key-file must name a file');
}
