/** What the routes answer. The tests hold every answer against these, so they are the truth of openapi.json too. */
import { z } from 'zod';
import { DRILL_STATUSES } from './request-schemas.ts';

const time = z.iso.datetime();
const bytes = z.number().int().nonnegative();
const facts = z.record(z.string(), z.unknown());
const mode = z
  .enum(['restore', 'stored-bytes'])
  .describe('stored-bytes: the function has no private key, so nothing is decrypted or restored.');

const links = z
  .strictObject({ self: z.string(), cancel: z.string(), page: z.string() })
  .describe('Paths on the same host.')
  .meta({ id: 'DrillLinks' });

export const startedAnswer = z
  .strictObject({ drill_id: z.guid(), backup_id: z.string(), mode, links })
  .meta({ id: 'StartedDrill' });

const summary = z.strictObject({
  drill_id: z.guid(),
  backup_id: z.string(),
  kind: z.string().describe('weekly, monthly or on-demand; integrity_check for one of stored bytes.'),
  status: z.enum(DRILL_STATUSES),
  environment: z.string().nullable(),
  started_at: time.nullable(),
  completed_at: time.nullable(),
  started_by: z.guid().nullable().describe('null: the service key, a schedule, a script or SQL.'),
  notes: z.string().nullable(),
  links,
});

export const listAnswer = z
  .strictObject({ drills: z.array(summary), next_cursor: z.string().nullable() })
  .meta({ id: 'DrillList' });

const progress = z
  .strictObject({
    mode: mode.nullable(),
    phase: z.string().nullable().describe('What the next slice works on; null before the first one.'),
    slices: z.number().int().nonnegative(),
    verified_objects: z.number().int().nonnegative(),
    verified_bytes: bytes,
    restored_bytes: bytes.describe('Raw bytes of rows.'),
    checks: z.number().int().nonnegative(),
    error: facts.nullable().describe('Of the last slice, when it is tried again.'),
  })
  .meta({ id: 'DrillProgress' });

export const drillAnswer = summary
  .extend({
    progress: progress.nullable().describe('Only while it works.'),
    errors: z.array(facts),
    verified: facts.describe('Counts, and seconds by phase.'),
    report: facts.nullable().describe('As `npm run backup:restore -- --json` prints it.'),
  })
  .meta({ id: 'Drill' });

export const cancelledAnswer = z
  .strictObject({ drill_id: z.guid(), status: z.literal('cancelled') })
  .meta({ id: 'CancelledDrill' });
