/** What the routes answer. The tests hold every answer against these, so they are the truth of openapi.json too. */
import { z } from 'zod';

const time = z.iso.datetime();
const state = z.enum(['healthy', 'unhealthy', 'inconclusive']);
const severity = z.enum(['info', 'warning', 'critical']);
const number = z.number().nullable();

const item = z
  .strictObject({ name: z.string(), state, value: number, threshold: number, detail: z.string() })
  .meta({ id: 'HealthItem' });

const check = z
  .strictObject({
    name: z.string().describe('Stable; for machines.'),
    title: z.string(),
    category: z.enum(['backups', 'restores', 'capacity', 'security', 'platform', 'personal data']),
    state,
    severity: severity.describe('How bad it is when it is unhealthy.'),
    value: number,
    unit: z.string().nullable(),
    threshold: number,
    detail: z.string(),
    todo: z.string().describe('What to do; empty while it is healthy.'),
    items: z.array(item).describe('Tables, categories, keys: what the verdict is made of.'),
    since: time.describe('When it came into its state.'),
    problem_since: time.nullable().describe('When the problem began; kept while it is inconclusive.'),
    checked_at: time,
  })
  .meta({ id: 'HealthCheck' });

export const reportAnswer = z
  .strictObject({
    state: state.describe('The worst of all checks.'),
    severity: severity.nullable().describe('Of what is unhealthy, the worst.'),
    checked_at: time,
    checks: z.array(check),
  })
  .meta({ id: 'HealthReport' });
