import type { RawScheduleOptions, ScheduleRequest } from './schedule-command.ts';

/** What a request means, in the types that the database takes. */
export interface ScheduleOptions {
  readonly tables: readonly string[] | null;
  readonly stores: readonly string[] | null;
  readonly schedules: readonly string[] | null;
  readonly enabled: boolean | null;
  readonly count: number;
  readonly from: Date | null;
  readonly until: Date | null;
  /** The window that --end names. */
  readonly end: number | null;
}

const DEFAULT_COUNT = 5;
const MOST_COUNT = 1000;
/** A date, or a date and a time, in UTC unless a zone follows. */
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/;

/** Everything that is wrong goes to `problems`. Names, expressions and intervals are the database's to check. Pure. */
export function parseScheduleOptions({ subcommand, raw }: ScheduleRequest, problems: string[]): ScheduleOptions {
  const options = {
    tables: readList('--tables', raw.tables, problems),
    stores: readList('--stores', raw.stores, problems),
    schedules: readList('--schedules', raw.schedules, problems),
    enabled: raw.enable ? true : raw.disable ? false : null,
    count: readNumber('--count', raw.count, { most: MOST_COUNT, problems }) ?? DEFAULT_COUNT,
    from: readTime('--from', raw.from, problems),
    until: readTime('--until', raw.until, problems),
    end: readNumber('--end', raw.end, { most: Number.MAX_SAFE_INTEGER, problems }),
  };
  if (raw.enable && raw.disable) problems.push('--enable and --disable must not be given together');
  if (options.tables !== null && raw.scope !== 'tables') problems.push('--tables must stand with --scope tables');
  if (options.tables === null && raw.scope === 'tables')
    problems.push('--scope tables must say which: --tables public.bookings,public.users');
  if (subcommand === 'set' && isEmpty(raw))
    problems.push('set must be told what to change, such as --cron or --enable');
  if (subcommand === 'maintenance') problems.push(...windowProblems(raw));
  return options;
}

function isEmpty(raw: RawScheduleOptions): boolean {
  return Object.keys(raw).every((name) => ['dryRun', 'json', 'verbose'].includes(name));
}

function windowProblems({ from, until, reason, schedules, end }: RawScheduleOptions): string[] {
  const opens = [from, until, reason, schedules].some((one) => one !== undefined);
  if (end !== undefined && opens) return ['--end must stand alone'];
  if (opens && until === undefined) return ['--until must say when the window ends'];
  if (opens && reason === undefined) return ['--reason must say why'];
  return [];
}

function readList(option: string, text: string | undefined, problems: string[]): string[] | null {
  if (text === undefined) return null;
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) problems.push(`${option} must be names separated by commas: got '${text}'`);
  return names;
}

function readNumber(
  option: string,
  text: string | undefined,
  { most, problems }: { most: number; problems: string[] },
): number | null {
  if (text === undefined) return null;
  if (/^[1-9]\d*$/.test(text) && Number(text) <= most) return Number(text);
  problems.push(`${option} must be a whole number from 1${most === MOST_COUNT ? ` to ${most}` : ''}: got '${text}'`);
  return null;
}

function readTime(option: string, text: string | undefined, problems: string[]): Date | null {
  if (text === undefined) return null;
  const [, day, time, zone] = TIME.exec(text) ?? [];
  const found = new Date(`${day}T${time ?? '00:00'}${zone ?? 'Z'}`);
  // Date() takes a 31st of February for a day in March.
  if (day !== undefined && isRealDay(day) && !Number.isNaN(found.getTime())) return found;
  problems.push(`${option} must be a time such as 2026-01-14 or 2026-01-14T22:00Z: got '${text}'`);
  return null;
}

function isRealDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}
