import type { HealthCheck } from '../contracts.ts';
import { heartbeatResult } from '../heartbeat-result.ts';

/** What tells of problems is a step of the heartbeat itself: when it fails, this says so. */
export const heartbeatSteps: HealthCheck = {
  name: 'heartbeat_steps',
  title: 'Steps of the heartbeat',
  category: 'platform',
  unit: 'minutes',
  async run({ sql, now }) {
    const [row] = await sql`select backup.health_of_steps(${now}) as found`;
    return heartbeatResult(row!.found);
  },
};
