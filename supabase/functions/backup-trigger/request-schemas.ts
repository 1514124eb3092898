/** What callers may send. Unknown fields are refused: a misspelt one must not quietly do nothing. */
import { z } from 'zod';
import { FILTER_OPERATORS, SCOPES } from '../_shared/domain/backup-request.ts';
import { CADENCES } from '../_shared/domain/cadence.ts';
import { CODECS, FORMATS } from '../_shared/domain/formats.ts';
import { choice, cursorField, moment, pageSize, text, unknownFields } from '../_shared/http/request-fields.ts';

const TABLE_NAME = /^(?:"(?:[^"]|"")+"|[^".]+)(?:\.(?:"(?:[^"]|"")+"|[^".]+))?$/u;

/** PostgreSQL names have at most 63 bytes; quotes and a schema come on top. */
const tableName = text(300)
  .regex(TABLE_NAME, 'must be schema.table, or table in schema public; names with a dot stand in double quotes')
  .meta({ examples: ['public.bookings', 'bookings', '"odd.schema"."table"'] });

const rowFilter = z.strictObject(
  {
    table: tableName,
    column: text(63).min(1, 'must not be empty'),
    operator: choice(FILTER_OPERATORS),
    value: text(1000).describe('As PostgreSQL writes it: 42, true, 2026-01-31, …'),
  },
  { error: unknownFields },
);

export const startBody = z
  .strictObject(
    {
      scope: choice(SCOPES),
      cadence: choice(CADENCES),
      reason: text(1000).trim().min(1, 'must not be empty'),
      label: text(100)
        .regex(/^\P{Cc}*$/u, 'must not contain control characters')
        .trim()
        .min(1, 'must not be empty')
        .optional(),
      tables: z
        .array(tableName, 'must be a list')
        .min(1, 'must not be empty')
        .max(1000, 'must have at most 1000 entries')
        .optional(),
      where: z
        .array(rowFilter, 'must be a list')
        .min(1, 'must not be empty')
        .max(50, 'must have at most 50 entries')
        .optional(),
      format: choice(FORMATS).optional(),
      codec: choice(CODECS).optional(),
    },
    { error: unknownFields },
  )
  .superRefine((body, context) => {
    const rule =
      body.scope === 'tables' && !body.tables
        ? "must be given with scope 'tables'"
        : body.scope !== 'tables' && body.tables
          ? `must not be given with scope '${body.scope}'`
          : null;
    if (rule) context.addIssue({ code: 'custom', path: ['tables'], message: rule });
  })
  .meta({ id: 'StartBackup' });

export type StartBody = z.output<typeof startBody>;

export const verifyBody = z
  .strictObject(
    {
      kind: choice(['quick', 'deep']).describe(
        'quick: presence and size, and the hash the store made at upload where it keeps one. deep: every byte is read and hashed.',
      ),
    },
    { error: unknownFields },
  )
  .meta({ id: 'VerifyBackup' });

export const STATUSES = ['in_progress', 'completed', 'completed_with_limits', 'failed', 'cancelled'] as const;

export const listQuery = z.strictObject(
  {
    limit: pageSize(100, 20),
    cursor: cursorField,
    status: choice(STATUSES).optional(),
    cadence: choice(CADENCES).optional(),
    since: moment.optional().describe('Started at or after.'),
    until: moment.optional().describe('Started before.'),
  },
  { error: unknownFields },
);

export const downloadQuery = z.strictObject(
  {
    limit: pageSize(1000, 1000),
    cursor: cursorField,
  },
  { error: unknownFields },
);

/** Ids look like manual_20260114_020000_9f3c11ab; adopted ledgers may hold other ones. */
export const backupParams = z.strictObject({
  id: text(200)
    .min(1, 'must not be empty')
    .meta({ examples: ['manual_20260114_020000_9f3c11ab'] }),
});
