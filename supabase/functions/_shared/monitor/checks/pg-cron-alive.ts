import type { HealthCheck } from '../contracts.ts';
import { heartbeatResult } from '../heartbeat-result.ts';

export const pgCronAlive: HealthCheck = {
  name: 'pg_cron',
  title: 'Heartbeat by pg_cron',
  category: 'platform',
  unit: 'minutes',
  async run({ sql, now }) {
    const [row] = await sql`select backup.health_of_cron(${now}) as found`;
    return heartbeatResult(row!.found);
  },
};
