import type { BackupRequest, RowFilter } from '../../supabase/functions/_shared/domain/backup-request.ts';
import { CODECS, type CodecName, FORMATS, type FormatName } from '../../supabase/functions/_shared/domain/formats.ts';
import { labelSlug } from '../../supabase/functions/_shared/domain/period.ts';
import type { RawExportOptions } from './export-command.ts';
import { EXPORT_MODES, type ExportModeName, isExportMode } from './export-modes.ts';
import { parseWhere } from './parse-where.ts';

export interface ExportOptions {
  readonly mode: ExportModeName;
  readonly request: BackupRequest;
  readonly format: FormatName | 'sql';
  readonly codec: CodecName;
  /** False only after --no-encrypt. */
  readonly encrypt: boolean;
  readonly notifyUrl: string | null;
  readonly outDirectory: string | null;
  /** Where --archive puts its one file. */
  readonly archiveDirectory: string | null;
  readonly jobs: number;
  readonly verify: 'quick' | 'deep';
  readonly dryRun: boolean;
}

const MAX_JOBS = 16;
const MAX_REASON_LENGTH = 500;
const MAX_LABEL_LENGTH = 100;
const EXPORT_FORMATS = [...FORMATS, 'sql'] as const;
const VERIFY_KINDS = ['quick', 'deep'] as const;

/** Everything that is wrong with the options, or the options. Pure: nothing is looked up anywhere. */
export function parseExportOptions(raw: RawExportOptions): { options: ExportOptions } | { problems: string[] } {
  const problems: string[] = [];
  const archived = raw.archive !== undefined;
  const encrypt = raw.encrypt ?? true;
  const format =
    oneOf(raw.format, { among: EXPORT_FORMATS, option: '--format', problems }) ?? (archived ? 'json' : 'copy');
  const codec =
    oneOf(raw.codec, { among: CODECS, option: '--codec', problems }) ?? defaultCodec({ format, archived, encrypt });
  const verify = oneOf(raw.verify, { among: VERIFY_KINDS, option: '--verify', problems }) ?? 'quick';
  const mode = readMode(raw, problems);
  const where = readWhere(raw.where ?? [], problems);
  const common = {
    format,
    codec,
    encrypt,
    notifyUrl: readNotify(raw.notify, problems),
    outDirectory: readOut(raw.out, problems),
    archiveDirectory: readArchive(raw, problems),
    jobs: readJobs(raw.jobs ?? '3', problems),
    verify,
    dryRun: raw.dryRun ?? false,
  };
  checkTexts(raw, problems);
  checkSql(raw, { mode, format, problems });
  if (mode === null || problems.length > 0) return { problems };
  return { options: { ...common, mode, request: requestOf(raw, { mode, where, format, codec }) } };
}

/** The tar of a readable archive is compressed as a whole; what is encrypted cannot be compressed any more. */
function defaultCodec({
  format,
  archived,
  encrypt,
}: {
  format: string;
  archived: boolean;
  encrypt: boolean;
}): CodecName {
  if (archived && !encrypt) return 'none';
  return format === 'json' ? 'gzip' : 'zstd';
}

function requestOf(
  raw: RawExportOptions,
  parsed: { mode: ExportModeName; where: RowFilter[]; format: FormatName | 'sql'; codec: CodecName },
): BackupRequest {
  const { scope, cadence } = EXPORT_MODES[parsed.mode];
  return {
    scope,
    cadence,
    ...(raw.reason === undefined ? {} : { reason: raw.reason }),
    ...(raw.label === undefined ? {} : { label: raw.label }),
    ...(raw.tables === undefined ? {} : { tables: raw.tables }),
    ...(parsed.where.length === 0 ? {} : { where: parsed.where }),
    ...(parsed.format === 'sql' ? {} : { format: parsed.format }),
    codec: parsed.codec,
  };
}

function oneOf<T extends string>(
  text: string | undefined,
  { among, option, problems }: { among: readonly T[]; option: string; problems: string[] },
): T | undefined {
  const found = among.find((one) => one === text);
  if (text !== undefined && found === undefined)
    problems.push(`${option} must be one of ${among.join(', ')}: got '${text}'`);
  return found;
}

function readMode(raw: RawExportOptions, problems: string[]): ExportModeName | null {
  const { mode, label, tables } = raw;
  if (mode === undefined || !isExportMode(mode)) {
    const modes = Object.keys(EXPORT_MODES).join(', ');
    problems.push(
      mode === undefined ? `--mode is required: one of ${modes}` : `--mode must be one of ${modes}: got '${mode}'`,
    );
    return null;
  }
  if (mode === 'pre-deployment' && label === undefined) problems.push('--mode pre-deployment needs --label');
  if (mode === 'on-demand' && (tables ?? []).length === 0) problems.push('--mode on-demand needs --tables');
  if (mode !== 'on-demand' && tables !== undefined)
    problems.push(`--tables goes with --mode on-demand only: got --mode ${mode}`);
  return mode;
}

function readWhere(conditions: string[], problems: string[]): RowFilter[] {
  return conditions.flatMap((text) => {
    const filter = parseWhere(text);
    if (filter) return [filter];
    problems.push(`--where must look like table.column>=value (operators = <> < <= > >=): got '${text}'`);
    return [];
  });
}

function readNotify(text: string | undefined, problems: string[]): string | null {
  if (text === undefined) return null;
  if (text.startsWith('https://') && URL.canParse(text)) return text;
  const mail = /^[^\s@/:]+@[^\s@/:]+$/.test(text);
  problems.push(
    mail
      ? `--notify cannot send e-mail yet: '${text}' is a mail address; give the https:// address of a webhook`
      : '--notify must be an https:// address',
  );
  return null;
}

function readOut(text: string | undefined, problems: string[]): string | null {
  if (text?.trim() === '') problems.push('--out must name a directory');
  return text ?? null;
}

function readArchive({ archive, out }: RawExportOptions, problems: string[]): string | null {
  if (archive === undefined) return null;
  if (out !== undefined) problems.push('--archive writes one file, --out a directory: give one of them');
  if (archive !== true && archive.trim() === '') problems.push('--archive must name a directory');
  return archive === true ? '.' : archive;
}

function readJobs(text: string, problems: string[]): number {
  const jobs = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (jobs < 1 || jobs > MAX_JOBS) problems.push(`--jobs must be a number from 1 to ${MAX_JOBS}: got '${text}'`);
  return jobs;
}

function checkTexts({ label, reason, yes, cleanUnfinished }: RawExportOptions, problems: string[]): void {
  if (label !== undefined && (labelSlug(label) === '' || label.length > MAX_LABEL_LENGTH)) {
    problems.push(`--label must have a letter or digit, and at most ${MAX_LABEL_LENGTH} characters: got '${label}'`);
  }
  if (reason !== undefined && reason.length > MAX_REASON_LENGTH) {
    problems.push(`--reason must have at most ${MAX_REASON_LENGTH} characters: got ${reason.length}`);
  }
  if (yes && !cleanUnfinished) problems.push('--yes goes with --clean-unfinished only');
}

/** One file that psql can load must hold what its own foreign keys refer to. */
function checkSql(
  raw: RawExportOptions,
  { mode, format, problems }: { mode: ExportModeName | null; format: string; problems: string[] },
): void {
  if (format !== 'sql') return;
  if (mode !== null && EXPORT_MODES[mode].scope !== 'full')
    problems.push(`--format sql holds the whole database: got --mode ${mode}`);
  if ((raw.where ?? []).length > 0) problems.push('--format sql holds the whole database: it takes no --where');
}
