/**
 * The one address of the stack, SUPABASE_URL: /functions/v1/<name>, /auth/v1 and /storage/v1, with the platform's rules
 * about keys: the Auth API wants a project key in `apikey`, a function with verify_jwt wants a valid JWT.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerJson } from './answer-json.ts';
import { bearerToken, isApiKey, verifyJwt } from './api-identity.ts';
import type { ApiKeys } from './api-keys.ts';
import { type FetchHandler, fetchListener } from './fetch-listener.ts';
import type { FunctionRunner } from './function-runner.ts';

export interface Gateway {
  /** Without a slash at the end. */
  readonly url: string;
  /** What it answers with; until then requests are answered 503. */
  open(routes: GatewayRoutes): void;
  /** Cuts off what is still being answered. */
  stop(): Promise<void>;
}

export interface GatewayRoutes {
  readonly functions: FunctionRunner;
  readonly auth: FetchHandler;
  readonly storage: FetchHandler;
  readonly keys: ApiKeys;
}

/** The platform's own paths that need no key. */
const OPEN_AUTH_PATHS = ['/auth/v1/.well-known/jwks.json'];
const FUNCTION_PATH = /^\/functions\/v1(\/([^/?]+).*)$/;

/** Listens on 127.0.0.1, on a free port unless one is given. */
export async function startGateway(options: { port?: number } = {}): Promise<Gateway> {
  let routes: GatewayRoutes | undefined;
  const server = createServer((request, response) => {
    const answered = routes
      ? route(request, response, routes)
      : Promise.resolve(answerJson(response, 503, { message: 'the stack is starting' }));
    answered.catch((error: Error) => answerJson(response, 500, { message: error.message }));
  });
  // The platform's limits are the function runner's business; Node's own would cut long uploads.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open(opened) {
      routes = opened;
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function route(request: IncomingMessage, response: ServerResponse, routes: GatewayRoutes): Promise<void> {
  const path = request.url ?? '/';
  const functionPath = FUNCTION_PATH.exec(path);
  if (functionPath) {
    const [, rest, name] = functionPath as unknown as [string, string, string];
    return routeToFunction(request, response, { routes, name, path: rest });
  }
  if (path.startsWith('/auth/v1/')) {
    const refusal = missingApiKey(request, routes.keys);
    if (refusal) return answerJson(response, 401, refusal);
    return fetchListener(routes.auth)(request, response);
  }
  if (path.startsWith('/storage/v1/')) return fetchListener(routes.storage)(request, response);
  answerJson(response, 404, { message: 'no Route matched with those values' });
}

async function routeToFunction(
  request: IncomingMessage,
  response: ServerResponse,
  { routes, name, path }: { routes: GatewayRoutes; name: string; path: string },
): Promise<void> {
  const edgeFunction = routes.functions.find(name);
  if (edgeFunction?.verifyJwt && request.method !== 'OPTIONS') {
    const refusal = await refuseJwt(request, routes.keys);
    if (refusal) return answerJson(response, 401, refusal);
  }
  return routes.functions.handle(request, response, { name, path });
}

async function refuseJwt(request: IncomingMessage, keys: ApiKeys): Promise<Record<string, unknown> | undefined> {
  const authorization = request.headers.authorization;
  if (authorization === undefined) {
    return { code: 'UNAUTHORIZED_NO_AUTH_HEADER', message: 'Missing authorization header' };
  }
  // Opaque keys are no JWTs: they fail here as on the platform, so no translation.
  const token = /^Bearer\s+(\S+)$/i.exec(authorization)?.[1] ?? '';
  return verifyJwt(token, keys).then(
    () => undefined,
    () => ({ code: 'UNAUTHORIZED_INVALID_JWT_FORMAT', message: 'Invalid JWT' }),
  );
}

function missingApiKey(request: IncomingMessage, keys: ApiKeys): Record<string, unknown> | undefined {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
  if (request.method === 'OPTIONS' || OPEN_AUTH_PATHS.includes(pathname)) return undefined;
  const key = [request.headers.apikey].flat()[0] ?? searchParams.get('apikey');
  if (!key) {
    const hint = 'No `apikey` request header or url param was found.';
    return { message: 'No API key found in request', hint };
  }
  const headers = new Headers({ apikey: key });
  if (isApiKey(key, keys) || isApiKey(bearerToken(headers, keys) ?? '', keys)) return undefined;
  return { message: 'Invalid API key', hint: 'Double check your Supabase `anon` or `service_role` API key.' };
}
