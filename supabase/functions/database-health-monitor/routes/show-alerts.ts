import { z } from 'zod';
import { readAlerts } from '../../_shared/alerts/read-alerts.ts';
import { emptyParams, pageSize, unknownFields } from '../../_shared/http/request-fields.ts';
import { alertsAnswer } from '../alert-schemas.ts';
import { defineRoute } from '../route.ts';

const query = z.strictObject(
  {
    limit: pageSize(500, 50).describe('How many deliveries, the newest first.'),
    resolved_days: z.coerce
      .number('must be a number')
      .int('must be a whole number')
      .min(0, 'must be at least 0')
      .max(90, 'must be at most 90')
      .default(0)
      .describe('Problems that were resolved in so many days too.'),
  },
  { error: unknownFields },
);

export const showAlerts = defineRoute({
  method: 'GET',
  path: '/alerts',
  name: 'showAlerts',
  summary: 'Open problems, and how the newest alerts were delivered',
  params: emptyParams,
  query,
  success: { status: 200, description: 'Problems and deliveries.', schema: alertsAnswer },
  errors: [],
  async handle({ means, query: { limit, resolved_days } }) {
    const overview = await readAlerts(means.sql, { deliveries: limit, resolvedDays: resolved_days });
    const { channels, problems, deliveries } = overview;
    const missing_secrets = secretNames(channels).filter((name) => !means.hasSecret(name));
    return { status: 200, body: { problems, deliveries, missing_secrets } };
  },
});

/** Of the channels that are switched on, each name once. */
function secretNames(channels: readonly Record<string, unknown>[]): string[] {
  const names = channels
    .filter(({ enabled }) => enabled)
    .flatMap(({ secret_name, settings }) => [secret_name, (settings as Record<string, unknown>).url_secret_name]);
  return [...new Set(names.filter((name) => typeof name === 'string'))].sort();
}
