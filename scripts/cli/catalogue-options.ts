import { CADENCES, type Cadence } from '../../supabase/functions/_shared/domain/cadence.ts';
import type { RawCatalogueOptions } from './catalogue-command.ts';

export interface ListFilter {
  readonly cadence: Cadence | null;
  /** Began then or later. */
  readonly since: Date | null;
  readonly limit: number;
}

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

/** Everything that is wrong goes to `problems`. Pure. */
export function parseListFilter({ cadence, since, limit }: RawCatalogueOptions, problems: string[]): ListFilter {
  return {
    cadence: readCadence(cadence, problems),
    since: readTime(since, problems),
    limit: readLimit(limit, problems),
  };
}

function readCadence(text: string | undefined, problems: string[]): Cadence | null {
  const found = CADENCES.find((cadence) => cadence === text) ?? null;
  if (text !== undefined && found === null)
    problems.push(`--cadence must be one of ${CADENCES.join(', ')}: got '${text}'`);
  return found;
}

function readTime(text: string | undefined, problems: string[]): Date | null {
  if (text === undefined) return null;
  const time = new Date(text);
  // Date() takes a 31st of February for a day in March.
  const real = TIME.test(text) && !Number.isNaN(time.getTime()) && isRealDay(text.slice(0, 10));
  if (!real) problems.push(`--since must be a time such as 2026-01-14 or 2026-01-14T02:00:00Z: got '${text}'`);
  return real ? time : null;
}

function isRealDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

function readLimit(text: string | undefined, problems: string[]): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  problems.push(`--limit must be a number from 1: got '${text}'`);
  return 0;
}
