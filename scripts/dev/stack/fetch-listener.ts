import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';

export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** Serves a handler of Web requests from node:http; bodies stream both ways. */
export function fetchListener(handler: FetchHandler) {
  return async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const response = await handler(webRequest(incoming));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    if (!response.body || incoming.method === 'HEAD') {
      await response.body?.cancel();
      outgoing.end();
      return;
    }
    // A client that leaves in the middle is no failure of ours.
    await pipeline(Readable.fromWeb(response.body as NodeReadableStream), outgoing).catch(() => outgoing.destroy());
  };
}

function webRequest(incoming: IncomingMessage): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD';
  const body = hasBody ? (Readable.toWeb(incoming) as ReadableStream) : undefined;
  const url = `http://${incoming.headers.host ?? '127.0.0.1'}${incoming.url}`;
  return new Request(url, { method: incoming.method, headers, body, duplex: 'half' } as RequestInit);
}
