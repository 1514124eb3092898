import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from 'postgres';

export interface ChannelTest {
  readonly delivered: boolean;
  readonly facts: Record<string, unknown>;
  readonly lines: readonly string[];
}

const LOOK_EVERY_MS = 500;

/** Sends a test message through database-health-monitor and waits for its outcome, fallbacks included. */
export async function testChannel(sql: Sql, channel: string, waitSeconds: number): Promise<ChannelTest> {
  const [started] = await sql`select backup.alert_test(${channel}) as id`;
  const deadline = Date.now() + waitSeconds * 1000;
  for (;;) {
    const steps = await sql`
      with recursive chain as (
        select * from backup.alert_delivery where id = ${started!.id}
        union all
        select d.* from backup.alert_delivery d join chain on d.via = chain.id)
      select channel, state, attempts, error from chain order by ordinal`;
    const last = steps.at(-1)!;
    if (last.state !== 'pending' || Date.now() > deadline)
      return outcome(
        channel,
        steps.map((step) => ({ ...step })),
      );
    await sleep(LOOK_EVERY_MS);
  }
}

function outcome(channel: string, steps: Record<string, unknown>[]): ChannelTest {
  // Through the fallback is not through this channel.
  const delivered = steps[0]!.state === 'sent';
  const lines = steps.map(({ channel: name, state, attempts, error }) => {
    const waiting =
      state === 'pending' ? ' (is database-health-monitor deployed, and pg_net alive? npm run doctor)' : '';
    return `${name}: ${state} after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}${error ? `: ${error}` : ''}${waiting}`;
  });
  return { delivered, facts: { channel, delivered, steps }, lines };
}
