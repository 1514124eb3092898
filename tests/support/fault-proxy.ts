/** Stands between a client and a real HTTP server, forwards everything, and does the harm it is told to. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Harm =
  /** Answers by itself; the server never sees the request. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  /** Ends the connection before an answer; with `afterwards`, once the server has done what was asked. */
  | { readonly kind: 'reset'; readonly afterwards?: boolean }
  /** Passes the headers and half of the body on, then ends the connection. */
  | { readonly kind: 'cut-answer' }
  /** Passes the headers and half of the body on, then says nothing more. */
  | { readonly kind: 'stall-answer' }
  /** Takes the request and never answers. */
  | { readonly kind: 'silence' }
  /** Changes one byte of the request's body on its way. */
  | { readonly kind: 'alter-body' };

export interface Fault {
  readonly harm: Harm;
  readonly method?: string;
  /** Found within path and query. */
  readonly url?: string;
  /** How many requests it meets; default 1. */
  readonly times?: number;
}

export interface FaultProxy {
  readonly endpoint: string;
  /** Every request that came, as `PUT /bucket/key?query`. */
  readonly requests: readonly string[];
  inject(fault: Fault): void;
  /** Faults that have met no request yet; a test that ends with some has not tested them. */
  pending(): number;
  close(): Promise<void>;
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const faults: { fault: Fault; left: number }[] = [];
  const requests: string[] = [];
  const server = createServer(async (incoming, outgoing) => {
    requests.push(`${incoming.method} ${incoming.url}`);
    const body = await readBody(incoming).catch(() => null);
    if (body) await serve({ incoming, outgoing, body, target, harm: take(faults, incoming) });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    inject: (fault) => void faults.push({ fault, left: fault.times ?? 1 }),
    pending: () => faults.reduce((sum, { left }) => sum + left, 0),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function take(faults: { fault: Fault; left: number }[], incoming: IncomingMessage): Harm | undefined {
  const meets = ({ method, url }: Fault) =>
    (method === undefined || method === incoming.method) && (url === undefined || incoming.url?.includes(url));
  const found = faults.find(({ fault, left }) => left > 0 && meets(fault));
  if (found) found.left--;
  return found?.fault.harm;
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly body: Buffer;
  readonly target: string;
  readonly harm: Harm | undefined;
}

async function serve({ incoming, outgoing, body, target, harm }: Exchange): Promise<void> {
  if (harm?.kind === 'silence') return;
  if (harm?.kind === 'answer') return void outgoing.writeHead(harm.status, harm.headers).end(harm.body ?? '');
  if (harm?.kind === 'reset' && !harm.afterwards) return void incoming.socket.destroy();
  if (harm?.kind === 'alter-body' && body.length > 0) body[0] = (body[0] ?? 0) ^ 0xff;
  const answer = await forward(incoming, body, target);
  const content = await readBody(answer);
  if (harm?.kind === 'reset') return void incoming.socket.destroy();
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
  if (harm?.kind === 'cut-answer' || harm?.kind === 'stall-answer') {
    outgoing.write(
      content.subarray(0, content.length / 2),
      () => harm.kind === 'cut-answer' && incoming.socket.destroy(),
    );
  } else {
    outgoing.end(content);
  }
}

/** With the client's own Host header, which its signature covers. */
function forward(incoming: IncomingMessage, body: Buffer, target: string): Promise<IncomingMessage> {
  const { hostname, port } = new URL(target);
  const { method, url: path, headers } = incoming;
  return new Promise((resolve, reject) => {
    request({ hostname, port, method, path, headers, agent: false }, resolve).once('error', reject).end(body);
  });
}

async function readBody(stream: IncomingMessage): Promise<Buffer> {
  const blocks: Buffer[] = [];
  for await (const block of stream) blocks.push(block);
  return Buffer.concat(blocks);
}
