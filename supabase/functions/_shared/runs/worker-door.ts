/**
 * What every function that works on a queue does: a single-use ticket in, 202 out at once, one piece of work in the
 * background, and then the next worker is called. No framework: module evaluation counts against the CPU limit.
 */
import { ERRORS, HoldfastError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Platform } from '../platform.ts';

/** A ticket is 64 hex digits; the body is hardly longer. */
const MAX_BODY_BYTES = 1024;
/** A retry that is due this soon is waited for; later ones are tick()'s. */
const LONGEST_WAIT_MS = 20_000;
const CALL_AGAIN_AFTER_MS = [250, 1000, 4000];

export interface WorkQueue {
  readonly log: Log;
  redeemTicket(ticket: string): Promise<boolean>;
  issueTickets(): Promise<string[]>;
  /** Milliseconds until the next piece of work is due; null when there is none, or no room for it. */
  nextDueInMs(): Promise<number | null>;
  /** Does one piece of work and records how it ended; false when nothing was due. */
  work(): Promise<boolean>;
}

export interface WorkerDoor {
  readonly platform: Pick<Platform, 'waitUntil'>;
  /** Throws CONFIG_INVALID, which the caller then sees. */
  readonly queue: () => WorkQueue;
  /** Calls this function again with a ticket and gives the HTTP status of the answer. */
  readonly callWorker: (ticket: string) => Promise<number>;
}

export function serveTickets(door: WorkerDoor): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      const ticket = await readTicket(request);
      const queue = door.queue();
      if (!(await queue.redeemTicket(ticket))) throw ERRORS.TICKET_REFUSED('the ticket is unknown, used or expired');
      door.platform.waitUntil(work(door, queue));
      return Response.json({ status: 'accepted' }, { status: 202 });
    } catch (error) {
      const known = error instanceof HoldfastError ? error : ERRORS.INTERNAL('the worker failed', { cause: error });
      const { code, message, hint } = known;
      return Response.json({ error: { code, message, hint } }, { status: known.http });
    }
  };
}

async function readTicket(request: Request): Promise<string> {
  if (request.method !== 'POST') throw ERRORS.REQUEST_INVALID(`the worker takes POST only: ${request.method}`);
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const body = await request.text();
  if (body.length > MAX_BODY_BYTES) throw tooLarge();
  const ticket = /^\s*\{\s*"ticket"\s*:\s*"([0-9a-f]{64})"\s*\}\s*$/.exec(body)?.[1];
  if (!ticket) throw ERRORS.REQUEST_INVALID('the body must be {"ticket": "<64 hex digits>"}');
  return ticket;
}

function tooLarge(): HoldfastError {
  return ERRORS.REQUEST_TOO_LARGE(`the body must have at most ${MAX_BODY_BYTES} bytes`);
}

async function work(door: WorkerDoor, queue: WorkQueue): Promise<void> {
  try {
    if (await queue.work()) await callNext(door, queue);
  } catch (error) {
    // Nothing is lost: the lease of unfinished work ends by itself, and tick() calls the next worker.
    queue.log.error('worker call ended early', { error: String(error) });
  }
}

async function callNext(door: WorkerDoor, queue: WorkQueue): Promise<void> {
  let tickets = await queue.issueTickets();
  if (tickets.length === 0) {
    const waitMs = await queue.nextDueInMs();
    if (waitMs === null || waitMs > LONGEST_WAIT_MS) return;
    await new Promise((resolve) => setTimeout(resolve, waitMs + 50));
    tickets = await queue.issueTickets();
  }
  await Promise.all(tickets.map((ticket) => callWorker(door, queue.log, ticket)));
}

/**
 * The platform may have no room for a moment (503, 546, 429) or not answer. A ticket works once, so the same call may be
 * made again: accepted (202) or used already (401) is both well. What remains after the last try is tick()'s.
 */
async function callWorker(door: WorkerDoor, log: Log, ticket: string): Promise<void> {
  for (const waitMs of [...CALL_AGAIN_AFTER_MS, null]) {
    const answer = await door.callWorker(ticket).catch((error: unknown) => String(error));
    if (answer === 202 || answer === 401) return;
    if (waitMs === null) return log.warn('the next worker could not be called', { answer });
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}
