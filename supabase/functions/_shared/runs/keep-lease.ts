import type { JobHold } from './job-row.ts';

/** Well within the lease, which is `lease_seconds` (75 by default). */
const EXTEND_EVERY_MS = 20_000;

/**
 * Renews the lease of a job while a piece of it takes longer than the lease; the function that it returns ends that. A
 * lease that is lost shows when the slice is recorded (LEASE_LOST), whatever the timer met.
 */
export function keepLease(hold: JobHold): () => void {
  const timer = setInterval(() => void hold.extend().catch(() => undefined), EXTEND_EVERY_MS);
  return () => clearInterval(timer);
}
