/**
 * pg_net's worker: sends the requests that committed transactions have put into net.http_request_queue. As pg_net does,
 * it handles a batch in one transaction (delete the rows, send all, await all, insert the responses, commit), so the
 * next batch waits for the slowest request, and a crash in the middle sends the batch again.
 */
import postgres from 'postgres';
import { isTransientPostgresError } from './transient-postgres-error.ts';

export interface NetSender {
  /** Ends after the batch under way; requests of that batch are cut off and stay in the queue. */
  stop(): Promise<void>;
}

interface QueuedRequest {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string> | null;
  readonly body: Uint8Array | null;
  readonly timeout_milliseconds: number;
}

interface ReceivedResponse {
  readonly id: string;
  readonly status_code: number | null;
  readonly content_type: string | null;
  readonly headers: Record<string, string> | null;
  readonly content: string | null;
  readonly timed_out: boolean | null;
  readonly error_msg: string | null;
}

/** pg_net.batch_size and pg_net.ttl. */
const BATCH_SIZE = 200;
const RESPONSE_LIFE = '6 hours';
/** A direct insert into the queue wakes nobody, so the queue is looked at this often too. */
const POLL_MS = 200;

/** `adminUrl` is the superuser's, in the database that has the net schema. */
export async function startNetSender(adminUrl: string): Promise<NetSender> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => {}, connection: { application_name: 'pg_net' } });
  const listener = postgres(adminUrl, { max: 1, onnotice: () => {}, connection: { application_name: 'pg_net wake' } });
  const stopping = new AbortController();
  let wake = () => {};
  stopping.signal.addEventListener('abort', () => wake());
  await listener.listen('net_wake', () => wake());
  const running = (async () => {
    while (!stopping.signal.aborted) {
      const sent = await sendBatch(sql, stopping.signal).catch((error) => {
        // The database restarts or the stack stops: the batch was rolled back and is sent again, as pg_net would.
        if (stopping.signal.aborted || isTransientPostgresError(error)) return 0;
        throw error;
      });
      if (sent === 0 && !stopping.signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, POLL_MS);
        });
      }
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await Promise.all([running, listener.end({ timeout: 1 })]);
      await sql.end({ timeout: 1 });
    },
  };
}

/** Returns how many requests it has sent. */
async function sendBatch(sql: postgres.Sql, signal: AbortSignal): Promise<number> {
  return sql.begin(async (transaction) => {
    const requests = await transaction<QueuedRequest[]>`
      delete from net.http_request_queue
      where id in (select id from net.http_request_queue order by id limit ${BATCH_SIZE})
      returning id, method, url, headers, body, timeout_milliseconds`;
    if (requests.length === 0) return 0;
    const responses = await Promise.all(requests.map((request) => send(request, signal)));
    signal.throwIfAborted();
    const rows = responses.map((row) => ({ ...row, headers: row.headers && transaction.json(row.headers) }));
    await transaction`insert into net._http_response ${transaction(rows)}`;
    await transaction`delete from net._http_response where created < now() - ${RESPONSE_LIFE}::interval`;
    return requests.length;
  });
}

async function send(request: QueuedRequest, signal: AbortSignal): Promise<ReceivedResponse> {
  const nothing = { id: request.id, status_code: null, content_type: null, headers: null, content: null };
  // Not AbortSignal.any(): in Node 20 its signals can be collected before they fire.
  const ending = new AbortController();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    ending.abort();
  }, request.timeout_milliseconds);
  const stop = () => ending.abort();
  signal.addEventListener('abort', stop);
  try {
    const response = await fetch(request.url, {
      method: request.method.toUpperCase(),
      headers: { 'user-agent': 'pg_net', ...request.headers },
      body: request.body && request.body.length > 0 ? request.body : undefined,
      signal: ending.signal,
    });
    return {
      id: request.id,
      status_code: response.status,
      content_type: response.headers.get('content-type'),
      headers: Object.fromEntries(response.headers),
      content: await response.text(),
      timed_out: false,
      error_msg: null,
    };
  } catch (error) {
    if (timedOut) {
      return { ...nothing, timed_out: true, error_msg: `Timeout of ${request.timeout_milliseconds} ms reached` };
    }
    return { ...nothing, timed_out: false, error_msg: describeFailure(error) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/** fetch hides the reason ("ECONNREFUSED …") in the cause. */
function describeFailure(error: unknown): string {
  const { message, cause } = error as { message: string; cause?: { message?: string; code?: string } };
  return cause ? `${message}: ${cause.message || cause.code}` : message;
}
