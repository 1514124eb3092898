import type { MiddlewareHandler } from 'hono';

/**
 * Pages of any origin may call: the credential is a header that only the app's own page holds, never a cookie, so an
 * origin proves nothing. Answers preflights; those carry no credentials.
 */
const HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, POST, DELETE, OPTIONS',
  'access-control-allow-headers':
    'authorization, apikey, content-type, range, if-range, accept-language, x-client-info',
  'access-control-expose-headers':
    'content-disposition, content-length, content-range, accept-ranges, etag, location, retry-after',
  'access-control-max-age': '86400',
};

export function allowOrigins(): MiddlewareHandler {
  return async (context, next) => {
    if (context.req.method !== 'OPTIONS') await next();
    else context.res = new Response(null, { status: 204 });
    for (const [name, value] of Object.entries(HEADERS)) context.res.headers.set(name, value);
  };
}
