/** Fields that requests of several functions have. Unknown ones are refused: a misspelt one must not quietly do nothing. */
import { z } from 'zod';

/** The database can hold neither a zero byte nor half of a surrogate pair. */
const STORABLE = /^[^\0\p{Cs}]*$/u;

export function text(maxChars: number) {
  return z.string('must be a text').max(maxChars, `must have at most ${maxChars} characters`).regex(STORABLE, {
    error: 'must not contain a zero byte or half of a surrogate pair',
  });
}

export function choice<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, `must be one of ${values.join(', ')}`);
}

const FIRST_YEAR_MS = Date.parse('0001-01-01T00:00:00Z');

/** Handed on in UTC: PostgreSQL knows neither every offset that ISO 8601 allows nor a year 0. */
export const moment = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], 'must be an ISO 8601 date, or a time with its zone')
  .refine((text) => new Date(text).getTime() >= FIRST_YEAR_MS, 'must not be before the year 1')
  .transform((text) => new Date(text).toISOString());

export function pageSize(most: number, usual: number) {
  return z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(most, `must be at most ${most}`)
    .default(usual);
}

export const cursorField = text(500).optional().describe("A page's next_cursor: the page after it.");

/** For strictObject's `error`. */
export function unknownFields(issue: { code?: string; keys?: readonly string[] }): string | undefined {
  if (issue.code === 'unrecognized_keys')
    return `unknown field ${issue.keys?.map((key) => `'${key.slice(0, 100)}'`).join(', ')}`;
  return issue.code === 'invalid_type' ? 'must be an object' : undefined;
}

export const emptyBody = z.strictObject({}, { error: unknownFields });

export const emptyQuery = z.strictObject({}, { error: unknownFields });

export const emptyParams = z.strictObject({});
