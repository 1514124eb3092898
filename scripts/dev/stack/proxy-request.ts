/** Passes one HTTP request on to a local port, bodies streaming both ways. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

/** unreachable: nothing was sent; idle: no byte for the time allowed; lost: the other side went away. */
export class ProxyFailure extends Error {
  readonly reason: 'unreachable' | 'idle' | 'lost';

  constructor(reason: 'unreachable' | 'idle' | 'lost', cause?: unknown) {
    super(`the request could not be passed on: ${reason}`, { cause });
    this.reason = reason;
  }
}

/** Meant for one connection only, so the gateway does not pass them on. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
]);

/** True when the response has been sent whole, false when the client has left. Throws ProxyFailure. */
export function proxyRequest(
  request: IncomingMessage,
  response: ServerResponse,
  target: { port: number; path: string; idleTimeoutMs: number },
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let connected = false;
    const upstream = httpRequest({
      host: '127.0.0.1',
      port: target.port,
      path: target.path,
      method: request.method,
      headers: passedOn(request),
      agent: false,
      timeout: target.idleTimeoutMs,
    });
    const abandon = () => upstream.destroy();
    response.once('close', abandon);
    upstream.on('timeout', () => upstream.destroy(new ProxyFailure('idle')));
    upstream.on('error', (error) => {
      response.off('close', abandon);
      if (response.destroyed) return resolve(false);
      if (error instanceof ProxyFailure) return reject(error);
      reject(new ProxyFailure(connected ? 'lost' : 'unreachable', error));
    });
    upstream.on('socket', (socket) =>
      socket.once('connect', () => {
        connected = true;
        request.pipe(upstream);
      }),
    );
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, withoutHopByHop(answer.headers));
      pipeline(answer, response).then(
        () => resolve(true),
        (error) => {
          if (response.destroyed && !answer.errored) resolve(false);
          else reject(new ProxyFailure('lost', error));
        },
      );
    });
  });
}

function passedOn(request: IncomingMessage): Record<string, string | string[] | undefined> {
  const chunked = request.headers['transfer-encoding'] !== undefined;
  return {
    ...withoutHopByHop(request.headers),
    'x-forwarded-for': request.socket.remoteAddress,
    'x-forwarded-host': request.headers.host,
    'x-forwarded-proto': 'http',
    connection: 'close',
    ...(chunked ? { 'transfer-encoding': 'chunked' } : {}),
  };
}

function withoutHopByHop(headers: IncomingMessage['headers']): Record<string, string | string[] | undefined> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
}
