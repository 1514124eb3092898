/** The command from its arguments to its exit code. The entry file gives it the process's own streams and environment. */
import { CommanderError } from 'commander';
import { planExport } from '../../supabase/functions/_shared/account/export/export-plan.ts';
import {
  type ExportFormat,
  endStream,
  startExport,
} from '../../supabase/functions/_shared/account/export/export-record.ts';
import type { ExportState } from '../../supabase/functions/_shared/account/export/export-state.ts';
import { chooseLanguage, LANGUAGES } from '../../supabase/functions/_shared/account/export/languages.ts';
import { streamPackage } from '../../supabase/functions/_shared/account/export/stream-package.ts';
import { type Environment, parseScriptConfig } from '../../supabase/functions/_shared/config.ts';
import { catalogueError } from '../../supabase/functions/_shared/errors/driver-error.ts';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { nodePlatform } from '../../supabase/functions/_shared/platform-node.ts';
import { quoteLiteral } from '../../supabase/functions/_shared/postgres/identifiers.ts';
import { openDriver, type Sql } from '../../supabase/functions/_shared/postgres/open-driver.ts';
import { openSession } from '../../supabase/functions/_shared/postgres/open-session.ts';
import type { PgSession } from '../../supabase/functions/_shared/postgres/session.ts';
import { databaseUrlProblems } from './database-url-problems.ts';
import { EXIT } from './exit-code.ts';
import { createNewFile, type NewFile } from './new-file.ts';
import { ProgressLine } from './progress-line.ts';
import { reportFailure } from './report-failure.ts';
import { rowWords } from './row-words.ts';
import type { ExportProcess } from './run-export.ts';
import { sizeWords } from './size-words.ts';
import { type RawSubjectExportOptions, subjectExportCommand } from './subject-export-command.ts';
import { line, type Terminal } from './terminal.ts';

interface SubjectExport {
  readonly user: string;
  readonly format: ExportFormat;
  readonly lang: string;
  readonly out: string;
  readonly databaseUrl: string;
  readonly supabaseUrl: string;
  readonly serviceKey: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Never throws: what goes wrong is reported and becomes the exit code. */
export async function runSubjectExport({ args, environment, terminal }: ExportProcess): Promise<number> {
  const json = args.includes('--json');
  try {
    const raw = readArguments(args, terminal);
    if (raw === null) return EXIT.ok;
    await exportToFile(checkInput(raw, environment), { terminal, json });
    return EXIT.ok;
  } catch (error) {
    return reportFailure(error, terminal, { json, verbose: args.includes('--verbose') });
  }
}

function readArguments(args: readonly string[], { stdout }: Terminal): RawSubjectExportOptions | null {
  try {
    const command = subjectExportCommand((text) => stdout.write(text));
    return command.parse(args, { from: 'user' }).opts<RawSubjectExportOptions>();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return null;
    throw invalid([error.message.replace(/^error: /, '')]);
  }
}

/** Throws CONFIG_INVALID with all problems. */
function checkInput(raw: RawSubjectExportOptions, environment: Environment): SubjectExport {
  const problems: string[] = [];
  const format = raw.format ?? 'zip';
  const user = raw.user ?? '';
  const lang = raw.lang ?? 'en';
  const supabaseUrl = environment('SUPABASE_URL') ?? '';
  const serviceKey = environment('SUPABASE_SERVICE_ROLE_KEY') ?? '';
  if (!UUID.test(user)) problems.push(`--user must be the id of a user, a uuid: got '${user}'`);
  if (format !== 'zip' && format !== 'json') problems.push(`--format must be zip or json: got '${format}'`);
  if (!Object.hasOwn(LANGUAGES, lang)) problems.push(`--lang must be one of ${Object.keys(LANGUAGES).join(', ')}`);
  if (format === 'zip' && (supabaseUrl === '' || serviceKey === '')) {
    problems.push('SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY must be set: files are read through the Storage API');
  }
  const { databaseUrl } = parseScriptConfig((name) => (name === 'DATABASE_URL' ? environment(name) : undefined));
  problems.push(...databaseUrlProblems(databaseUrl.reveal(), 'DATABASE_URL'));
  if (problems.length > 0) throw invalid(problems);
  return {
    user,
    format: format as ExportFormat,
    lang: chooseLanguage(lang, null),
    out: raw.out ?? `personal-data-${user}.${format}`,
    databaseUrl: databaseUrl.reveal(),
    supabaseUrl: supabaseUrl.replace(/\/+$/, ''),
    serviceKey,
  };
}

async function exportToFile(wanted: SubjectExport, output: { terminal: Terminal; json: boolean }): Promise<void> {
  const sql = openDriver(wanted.databaseUrl, {
    max: 1,
    applicationName: 'holdfast subject export',
    platform: nodePlatform,
  });
  try {
    // Before anything is recorded: an id that is nobody's is no request.
    await planExport(sql, wanted.user);
    const file = await createNewFile(wanted.out).catch((cause: Error) => {
      throw invalid([`--out must be a new file in a folder that can be written to: ${cause.message}`]);
    });
    try {
      await recordedExport(sql, { wanted, file, output });
    } finally {
      await file.discard();
    }
  } finally {
    await sql.end({ timeout: 5 });
  }
}

interface Recorded {
  readonly wanted: SubjectExport;
  readonly file: NewFile;
  readonly output: { terminal: Terminal; json: boolean };
}

async function recordedExport(sql: Sql, { wanted, file, output }: Recorded): Promise<void> {
  const { user, format, lang } = wanted;
  const session = await openSession(nodePlatform, wanted.databaseUrl, { applicationName: 'holdfast subject export' });
  try {
    // Whoever is killed loses the lock with the session, and stands in nobody's way.
    const [held] = await session.query(`select backup.hold_operator_export(${quoteLiteral(user)}::uuid)`);
    const started = held?.[0] === 't' ? await startExport(sql, { userId: user, way: 'operator', format, lang }) : null;
    if (started?.outcome !== 'started') {
      throw ERRORS.EXPORT_LIMIT('an export of this user is being made right now', { hint: 'Wait until it has ended.' });
    }
    await writeAndRecord(sql, { wanted, file, output, session, exportId: started.export_id });
  } finally {
    await session.close();
  }
}

interface Begun extends Recorded {
  readonly exportId: string;
  /** Holds the lock; the rows are read with it. */
  readonly session: PgSession;
}

async function writeAndRecord(sql: Sql, { wanted, file, output, session, exportId }: Begun): Promise<void> {
  let sizeBytes = 0;
  const emit = async (bytes: Uint8Array) => {
    sizeBytes += bytes.length;
    await file.write(bytes);
  };
  try {
    const state = await writePackage(sql, { wanted, session, exportId, emit, output });
    await file.finish();
    const counts = { sizeBytes, rowCount: state.rowCount, fileCount: state.fileCount };
    await endStream(sql, exportId, { state: 'delivered', ...counts });
    report(output, { wanted, state, sizeBytes, exportId });
  } catch (error) {
    const counts = { sizeBytes, rowCount: 0, fileCount: 0 };
    await endStream(sql, exportId, { state: 'failed', ...counts, error: catalogueError(error).toJSON() });
    throw error;
  }
}

interface Writing {
  readonly wanted: SubjectExport;
  readonly session: PgSession;
  readonly exportId: string;
  readonly emit: (bytes: Uint8Array) => Promise<void>;
  readonly output: { terminal: Terminal; json: boolean };
}

async function writePackage(sql: Sql, { wanted, session, exportId, emit, output }: Writing): Promise<ExportState> {
  const { user, format, lang, supabaseUrl, serviceKey } = wanted;
  const progress = showProgress(output);
  try {
    const plan = await planExport(sql, user);
    const project = { supabaseUrl, serviceKey, fetch };
    const none = Number.POSITIVE_INFINITY;
    const limits = { maxBytes: none, maxFiles: none, maxRowBytes: none };
    return await streamPackage({
      ...{ sql, session, project, plan, format, lang, exportId, limits, emit },
      onProgress: progress.show,
    });
  } finally {
    progress.stop();
  }
}

/** Nothing at all where nobody looks. The total is not known before the end. */
function showProgress({ terminal, json }: { terminal: Terminal; json: boolean }) {
  if (json || !terminal.stderr.isTTY) return { show: () => {}, stop: () => {} };
  const progress = new ProgressLine(terminal);
  progress.begin('rows', 1);
  let bytes = 0;
  let rows = 0;
  return {
    show(state: ExportState) {
      if (state.phase === 'files') progress.rename('files');
      progress.advance(state.rawBytes - bytes, state.rowCount - rows);
      bytes = state.rawBytes;
      rows = state.rowCount;
    },
    stop: () => progress.stop(),
  };
}

interface Report {
  readonly wanted: SubjectExport;
  readonly state: ExportState;
  readonly sizeBytes: number;
  readonly exportId: string;
}

function report(
  { terminal, json }: { terminal: Terminal; json: boolean },
  { wanted, state, sizeBytes, exportId }: Report,
): void {
  const { rowCount, fileCount, leftOut } = state;
  if (json) {
    const facts = { export_id: exportId, user_id: wanted.user, file: wanted.out, size_bytes: sizeBytes };
    line(
      terminal.stdout,
      JSON.stringify({ ...facts, row_count: rowCount, file_count: fileCount, left_out_files: leftOut }),
    );
    return;
  }
  line(terminal.stdout, `${wanted.out}: ${rowWords(rowCount)}, ${fileCount} files, ${sizeWords(sizeBytes)}`);
  for (const { bucket, name, reason } of leftOut) line(terminal.stdout, `  left out, ${reason}: ${bucket}/${name}`);
}

function invalid(problems: string[]) {
  return ERRORS.CONFIG_INVALID(problems.join('; '), {
    details: { problems },
    hint: 'Correct what is named above; nothing was exported. --help shows examples.',
  });
}
