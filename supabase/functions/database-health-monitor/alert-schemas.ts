/** What the routes about alerts answer. */
import { z } from 'zod';

const time = z.iso.datetime({ offset: true });
const severity = z.enum(['info', 'warning', 'critical']);

const problem = z
  .strictObject({
    id: z.uuid(),
    key: z.string().describe('What is wrong, such as health:pg_cron or backup:daily.'),
    type: z.string(),
    severity,
    message: z.string(),
    todo: z.string(),
    state: z.enum(['open', 'resolved']),
    occurrences: z.number().int().describe('How often in a row.'),
    first_seen: time,
    last_seen: time,
    resolved_at: time.nullable(),
    resolved_because: z.string().nullable(),
  })
  .meta({ id: 'Problem' });

const delivery = z
  .strictObject({
    id: z.uuid(),
    channel: z.string(),
    kind: z.enum(['open', 'repeat', 'escalation', 'resolved', 'notice', 'digest']),
    subject: z.string(),
    text: z.string().nullable(),
    severity: severity.nullable(),
    state: z.enum(['pending', 'sent', 'failed', 'fell_over', 'expired']),
    attempts: z.number().int(),
    error: z.string().nullable(),
    created_at: time,
    sent_at: time.nullable(),
    instead_of: z.uuid().nullable().describe('The delivery that fell over to this one.'),
  })
  .meta({ id: 'AlertDelivery' });

export const alertsAnswer = z
  .strictObject({
    problems: z.array(problem),
    deliveries: z.array(delivery),
    missing_secrets: z
      .array(z.string())
      .describe('Names of secrets that channels need and this function does not have.'),
  })
  .meta({ id: 'Alerts' });

export const testAnswer = z
  .strictObject({ delivery_id: z.uuid(), channel: z.string(), status: z.literal('pending') })
  .meta({ id: 'AlertTest' });
