/**
 * Stands where the functions' gateway stands: takes the tickets that pg_net and finished workers send, answers at once,
 * and hands them to the bench one by one, so that each worker call can be measured alone.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TicketDesk {
  /** As SUPABASE_URL, without a slash at the end. */
  readonly url: string;
  /** The body of the next call of a worker, or null when none comes in time. */
  next(timeoutMs: number): Promise<string | null>;
  stop(): Promise<void>;
}

export async function startTicketDesk(): Promise<TicketDesk> {
  const waiting: string[] = [];
  let wake = () => {};
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    if (request.method === 'POST' && request.url === '/functions/v1/backup-worker') {
      waiting.push(body);
      wake();
      response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"accepted"}');
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async next(timeoutMs) {
      if (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return waiting.shift() ?? null;
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
