/**
 * Which of four doors a request goes through: /health is for everybody and says one word, /metrics is for who has the token,
 * /work takes tickets of the queue, and anything else is for operators. What a door needs is loaded when somebody comes to it.
 */
import { BASE_PATH } from './route.ts';

type Door = (request: Request) => Promise<Response> | Response;

export interface MonitorDoors {
  readonly isUp: () => Promise<boolean>;
  readonly work: Door;
  readonly metrics: () => Promise<Door>;
  readonly operators: () => Promise<Door>;
}

export function serveMonitor({
  isUp,
  work,
  metrics,
  operators,
}: MonitorDoors): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === `${BASE_PATH}/health`) return await answerHealth(request, isUp);
    if (pathname === `${BASE_PATH}/work`) return await work(request);
    if (pathname === `${BASE_PATH}/metrics`) return await (await metrics())(request);
    return await (await operators())(request);
  };
}

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
};

/** Nothing of why: that is the report's, which knows who asks. */
async function answerHealth(request: Request, isUp: () => Promise<boolean>): Promise<Response> {
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: HEADERS });
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return new Response(null, { status: 405, headers: { ...HEADERS, allow: 'GET, HEAD' } });
  }
  const up = await isUp();
  return Response.json({ status: up ? 'up' : 'down' }, { status: up ? 200 : 503, headers: HEADERS });
}
