import type { MiddlewareHandler } from 'hono';

/** Answers are for one caller and one moment, and hardly ever a page. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** What a route may say itself; it then says all of it. */
const OWN = new Set(['content-security-policy', 'cache-control']);

/** Sets the headers on every answer, errors included. */
export function secureAnswers(): MiddlewareHandler {
  return async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) {
      // A page of a route's own says what it needs, and a file that nobody may recompress it; everything else needs nothing.
      const own = OWN.has(name) && context.res.headers.has(name);
      if (!own) context.res.headers.set(name, value);
    }
  };
}
