import type { Platform } from '../platform.ts';
import { serveTickets } from '../runs/worker-door.ts';
import { runTask, type WorkerContext } from './run-task.ts';

export interface WorkerDoor {
  readonly platform: Pick<Platform, 'waitUntil'>;
  /** Throws CONFIG_INVALID, which the caller then sees. */
  readonly context: () => WorkerContext;
  /** Calls this function again, `<functions URL>/backup-worker`, and gives the HTTP status of the answer. */
  readonly callWorker: (ticket: string) => Promise<number>;
  readonly workerName: string;
}

/** The HTTP face of backup-worker: one task of a run per call. */
export function serveWorker(door: WorkerDoor): (request: Request) => Promise<Response> {
  return serveTickets({
    platform: door.platform,
    callWorker: door.callWorker,
    queue: () => {
      const context = door.context();
      return {
        log: context.log,
        redeemTicket: (ticket) => context.ledger.redeemTicket(ticket),
        issueTickets: () => context.ledger.issueTickets(),
        nextDueInMs: () => context.ledger.nextTaskDueInMs(),
        work: async () => (await runTask(context, door.workerName)) !== null,
      };
    },
  });
}
