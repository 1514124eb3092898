import type { Sql } from 'postgres';
import { HoldfastError } from '../errors.ts';
import type { JobStep } from '../runs/job-row.ts';
import type { AlertDelivery } from './alert-message.ts';
import { type DeliverMeans, deliverAlert } from './deliver-alert.ts';
import { claimDeliveries, type DeliveryOutcome, nextDeliveryInSeconds, settleDelivery } from './delivery-ledger.ts';

/** The kind of job that sends what the heartbeat has written into backup.alert_delivery. */
export const ALERT_JOB = 'deliver_alerts';

/** Leaves time for a last round before the lease of the job, and the call, are over. */
const SLICE_MS = 25_000;
const TIMEOUT_MS = 10_000;
/** What is due later than this is the heartbeat's to start again. */
const LONGEST_WAIT_SECONDS = 20;

export interface AlertJobMeans extends Partial<Omit<DeliverMeans, 'env'>> {
  readonly sql: Sql;
  readonly env: DeliverMeans['env'];
}

/** Sends until nothing is due: one message of each channel at a time, so that a slow channel holds up no other for long. */
export function alertJobStep({ sql, env, ...others }: AlertJobMeans): JobStep {
  const means: DeliverMeans = { fetch: globalThis.fetch, timeoutMs: TIMEOUT_MS, now: () => new Date(), ...others, env };
  return async (hold) => {
    const until = Date.now() + SLICE_MS;
    const counts: Record<string, number> = {};
    while (Date.now() < until) {
      const claimed = await claimDeliveries(sql);
      if (claimed.length === 0) break;
      const states = await Promise.all(
        claimed.map(async (delivery) => settleDelivery(sql, delivery, await outcomeOf(delivery, means))),
      );
      for (const state of states) counts[state] = (counts[state] ?? 0) + 1;
      await hold.extend();
    }
    const seconds = await nextDeliveryInSeconds(sql);
    if (seconds === null || seconds > LONGEST_WAIT_SECONDS) return { state: 'done', result: counts };
    return { state: 'again', progress: {}, afterSeconds: seconds };
  };
}

async function outcomeOf(delivery: AlertDelivery, means: DeliverMeans): Promise<DeliveryOutcome> {
  try {
    await deliverAlert(delivery, means);
    return { state: 'sent' };
  } catch (error) {
    // A bug in the form of one message must not hold up all others: it fails like a refusal.
    if (!(error instanceof HoldfastError)) return { state: 'failed', error: `INTERNAL: ${(error as Error).name}` };
    const text = `${error.code}: ${error.message}`;
    if (error.kind !== 'transient') return { state: 'failed', error: text };
    return { state: 'retry', error: text, afterSeconds: Number(error.details.retryAfterSeconds ?? 0) };
  }
}
