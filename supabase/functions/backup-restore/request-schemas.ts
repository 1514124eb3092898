/** What callers may send. Unknown fields are refused: a misspelt one must not quietly do nothing. */
import { z } from 'zod';
import { CADENCES } from '../_shared/domain/cadence.ts';
import { choice, cursorField, moment, pageSize, text, unknownFields } from '../_shared/http/request-fields.ts';

export const DRILL_KINDS = ['weekly', 'monthly', 'on-demand'] as const;

export const DRILL_STATUSES = ['in_progress', 'passed', 'failed', 'inconclusive', 'cancelled'] as const;

export const drillBody = z
  .strictObject(
    {
      backup_id: text(200)
        .min(1, 'must not be empty')
        .optional()
        .meta({ examples: ['weekly_20260112_020000_9f3c11ab'] }),
      cadence: choice(CADENCES).optional().describe('Drills the newest completed backup of this cadence.'),
      kind: choice(DRILL_KINDS).default('on-demand'),
    },
    { error: unknownFields },
  )
  .superRefine((body, context) => {
    if ((body.backup_id === undefined) === (body.cadence === undefined)) {
      context.addIssue({ code: 'custom', path: [], message: 'either backup_id or cadence must be given' });
    }
  })
  .meta({ id: 'StartDrill' });

export const listQuery = z.strictObject(
  {
    limit: pageSize(100, 20),
    cursor: cursorField,
    status: choice(DRILL_STATUSES).optional(),
    backup_id: text(200).optional(),
    since: moment.optional().describe('Started at or after.'),
    until: moment.optional().describe('Started before.'),
  },
  { error: unknownFields },
);

export const showQuery = z.strictObject(
  {
    format: choice(['json', 'markdown', 'html'])
      .default('json')
      .describe('markdown and html: the report alone, for people.'),
  },
  { error: unknownFields },
);

export const drillParams = z.strictObject({ id: z.guid('must be the id of a drill') });
