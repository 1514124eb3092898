import { catalogueError } from '../errors/driver-error.ts';
import type { HoldfastError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Platform } from '../platform.ts';
import type { JobLedger } from './job-ledger.ts';
import type { Job, JobStep } from './job-row.ts';
import { serveTickets } from './worker-door.ts';

export interface JobDoor {
  readonly platform: Pick<Platform, 'waitUntil'>;
  readonly ledger: () => JobLedger;
  /** The step for a kind of job, loaded when needed: module evaluation counts against the call's CPU. */
  readonly stepFor: (kind: string) => Promise<JobStep>;
  readonly callWorker: (ticket: string) => Promise<number>;
  readonly workerName: string;
  readonly log: Log;
}

/** `POST /<function>/work`: one slice of one job per call. */
export function serveJobs(door: JobDoor): (request: Request) => Promise<Response> {
  return serveTickets({
    platform: door.platform,
    callWorker: door.callWorker,
    queue: () => {
      const ledger = door.ledger();
      return {
        log: door.log,
        redeemTicket: (ticket) => ledger.redeemTicket(ticket),
        issueTickets: () => ledger.issueTickets(),
        nextDueInMs: () => ledger.nextDueInMs(),
        work: () => runSlice(door, ledger),
      };
    },
  });
}

/** Claims one job and does one slice of it; false when none is due. A failed slice is recorded, not thrown. */
export async function runSlice(
  door: Pick<JobDoor, 'stepFor' | 'workerName' | 'log'>,
  ledger: JobLedger,
): Promise<boolean> {
  const job = await ledger.claim(door.workerName);
  if (!job) return false;
  const facts = { job: job.id, kind: job.kind, attempt: job.attempts };
  try {
    const step = await door.stepFor(job.kind);
    const outcome = await step(ledger.hold(job));
    if (outcome.state === 'done') await ledger.finish(job, outcome.result);
    else await ledger.continue(job, outcome.progress, outcome.afterSeconds ?? 0);
    door.log.info('slice ended', { ...facts, state: outcome.state });
  } catch (error) {
    await recordFailure(door.log, ledger, job, catalogueError(error));
  }
  return true;
}

async function recordFailure(log: Log, ledger: JobLedger, job: Job, error: HoldfastError): Promise<void> {
  const facts = { job: job.id, kind: job.kind, attempt: job.attempts, error: error.toJSON() };
  log.error('slice failed', facts);
  if (error.code === 'LEASE_LOST') return; // the job is another worker's now, or was cancelled
  try {
    await ledger.fail(job, error);
  } catch (second) {
    // The database did not take the failure: the lease ends by itself and tick() puts the job back.
    log.error('failure not recorded', { ...facts, second: String(second) });
  }
}
