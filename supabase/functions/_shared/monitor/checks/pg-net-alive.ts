import type { HealthCheck } from '../contracts.ts';
import { heartbeatResult } from '../heartbeat-result.ts';

export const pgNetAlive: HealthCheck = {
  name: 'pg_net',
  title: 'Requests through pg_net',
  category: 'platform',
  unit: 'minutes',
  async run({ sql, now }) {
    const [row] = await sql`select backup.health_of_net(${now}) as found`;
    return heartbeatResult(row!.found);
  },
};
