/** The command from its arguments to its exit code. The entry file gives it the process's own streams and environment. */
import { CommanderError } from 'commander';
import type { Environment } from '../../supabase/functions/_shared/config.ts';
import { catalogueError } from '../../supabase/functions/_shared/errors/driver-error.ts';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { openDriver, type Sql } from '../../supabase/functions/_shared/postgres/open-driver.ts';
import { databaseUrlProblems } from './database-url-problems.ts';
import { EXIT } from './exit-code.ts';
import { ledgerUrl } from './rebuild-catalogue.ts';
import { reportFailure } from './report-failure.ts';
import type { Output, ExportProcess as ScheduleProcess } from './run-export.ts';
import { type ScheduleRequest, scheduleCommand } from './schedule-command.ts';
import { parseScheduleOptions, type ScheduleOptions } from './schedule-options.ts';
import { setSchedule } from './set-schedule.ts';
import { listSchedules, showMaintenance, showNextTimes } from './show-schedules.ts';
import { line, type Terminal } from './terminal.ts';
import { utcWords } from './utc-words.ts';

/** What the functions of the database raise for input that cannot be, with a hint of their own. */
const REFUSED = /^(22023|P0002|55000|2200[78]|22P02|23514)$/;
/** Text that is no interval, or one too long. */
const NO_INTERVAL = /^2200[78]$/;
/** There is no schema `backup`, or an older one. */
const MISSING = /^(3F000|42P01|42883)$/;

/** Never throws: what goes wrong is reported and becomes the exit code. */
export async function runSchedule({ args, environment, terminal }: ScheduleProcess): Promise<number> {
  const json = args.includes('--json');
  try {
    const request = readArguments(args, terminal);
    if (request !== null) await answer(request, { environment, terminal, json });
    return EXIT.ok;
  } catch (error) {
    return reportFailure(error, terminal, { json, verbose: args.includes('--verbose') });
  }
}

/** null when help was all that was asked for. */
function readArguments(args: readonly string[], { stdout }: Terminal): ScheduleRequest | null {
  const requests: ScheduleRequest[] = [];
  try {
    scheduleCommand(
      (text) => stdout.write(text),
      (request) => requests.push(request),
    ).parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return null;
    const nothing = 'say what to do: list, set, pause, resume, next or maintenance';
    throw invalid([error.code === 'commander.help' ? nothing : error.message.replace(/^error: /, '')]);
  }
  return requests[0] ?? null;
}

function invalid(problems: readonly string[]) {
  return ERRORS.CONFIG_INVALID(problems.join('; '), {
    details: { problems },
    hint: 'Correct what is named above; nothing was changed. --help shows examples.',
  });
}

async function answer(
  request: ScheduleRequest,
  { environment, ...output }: Output & { environment: Environment },
): Promise<void> {
  const problems: string[] = [];
  const options = parseScheduleOptions(request, problems);
  if (problems.length > 0) throw invalid(problems);
  const url = ledgerUrl(environment);
  const wrong = databaseUrlProblems(url, 'DATABASE_URL');
  if (wrong.length > 0) throw invalid(wrong);
  const sql = openDriver(url, { applicationName: 'holdfast schedule' });
  try {
    await carryOut(sql, { request, options, output });
  } catch (error) {
    throw scheduleError(error, request);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

export interface ScheduleCall {
  readonly request: ScheduleRequest;
  readonly options: ScheduleOptions;
  readonly output: Output;
}

function carryOut(sql: Sql, call: ScheduleCall): Promise<void> {
  const { request, options, output } = call;
  const name = request.schedule;
  switch (request.subcommand) {
    case 'list':
      return listSchedules(sql, output);
    case 'set':
      return setSchedule(sql, call);
    case 'pause':
      return pause(sql, { name: name!, until: options.until, output });
    case 'resume':
      return resume(sql, name!, output);
    case 'next':
      return showNextTimes(sql, { name, count: options.count }, output);
    case 'maintenance':
      return maintain(sql, call);
  }
}

async function pause(
  sql: Sql,
  { name, until, output }: { name: string; until: Date | null; output: Output },
): Promise<void> {
  await sql`select backup.schedule_pause(${name}, ${until?.toISOString() ?? 'infinity'}::text::timestamptz)`;
  const end = until === null ? 'until it is resumed' : `until ${utcWords(until)}`;
  say(output, { schedule: name, paused_until: until ?? 'infinity' }, `${name} is paused ${end}; its times are skipped`);
}

async function resume(sql: Sql, name: string, output: Output): Promise<void> {
  await sql`select backup.schedule_resume(${name})`;
  const [row] = await sql`select due_at, note from backup.schedule_next(${name}, 1)`;
  const held = row?.note ? ` (${row.note})` : '';
  const next = row === undefined ? '' : `; its next time is ${utcWords(row.due_at)}${held}`;
  say(output, { schedule: name, next_at: row?.due_at ?? null, note: row?.note ?? null }, `${name} is resumed${next}`);
}

async function maintain(sql: Sql, { request, options, output }: ScheduleCall): Promise<void> {
  const { end, until, from, schedules } = options;
  if (end !== null) {
    const [before] =
      await sql`select starts_at > clock_timestamp() as coming from backup.maintenance_window where id = ${end}`;
    const [row] = await sql`select backup.maintenance_end(${end}) as ended`;
    if (!row!.ended) throw invalid([`there is no open or coming maintenance window ${end}`]);
    const outcome = before?.coming ? 'is removed; it had not begun' : 'is over; what came due in it begins now';
    return say(output, { ended: end }, `maintenance window ${end} ${outcome}`);
  }
  if (until === null) return await showMaintenance(sql, output);
  const start = from ?? new Date();
  if (until <= new Date()) throw invalid([`--until must be in the future: got '${request.raw.until}'`]);
  const [row] = await sql`
    select backup.maintenance_set(${start}, ${until}, ${request.raw.reason!}, ${schedules as string[] | null}) as id`;
  const held = schedules === null ? 'nothing begins' : `nothing of ${schedules.join(', ')} begins`;
  const answered = { id: row!.id, starts_at: start, ends_at: until, reason: request.raw.reason, schedules };
  say(output, answered, `window ${row!.id}: ${held} from ${utcWords(start)} to ${utcWords(until)}`);
}

function say({ terminal, json }: Output, answered: object, text: string): void {
  line(terminal.stdout, json ? JSON.stringify(answered) : text);
}

function scheduleError(error: unknown, { raw }: ScheduleRequest) {
  const { code, message, hint } = error as { code?: string; message: string; hint?: string };
  if (NO_INTERVAL.test(code ?? '')) {
    const wrong = (['rpo', 'rto', 'grace'] as const).find((name) => message.endsWith(`"${raw[name]}"`));
    if (wrong !== undefined) {
      return ERRORS.CONFIG_INVALID(`--${wrong} must be an interval: got '${raw[wrong]}'`, {
        cause: error,
        hint: "Such as '90 minutes', '2 hours' or '7 days'.",
      });
    }
  }
  if (REFUSED.test(code ?? '')) {
    return ERRORS.CONFIG_INVALID(message, { cause: error, details: { sqlState: code }, ...(hint ? { hint } : {}) });
  }
  if (MISSING.test(code ?? '')) {
    return ERRORS.LEDGER_MISSING('the database has no schedules of Holdfast', {
      cause: error,
      hint: 'Apply the migrations of Holdfast first: npx supabase db push',
    });
  }
  return catalogueError(error);
}
