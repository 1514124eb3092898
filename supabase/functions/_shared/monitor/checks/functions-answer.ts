import type { HealthCheck } from '../contracts.ts';
import { heartbeatResult } from '../heartbeat-result.ts';

export const functionsAnswer: HealthCheck = {
  name: 'functions',
  title: 'Answers of the edge functions',
  category: 'platform',
  unit: 'bad answers',
  async run({ sql, now }) {
    const [row] = await sql`select backup.health_of_functions(${now}) as found`;
    return heartbeatResult(row!.found);
  },
};
