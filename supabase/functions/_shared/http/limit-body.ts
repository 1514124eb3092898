import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { ERRORS } from '../errors.ts';

/** Refuses a body above `maxBytes` by its content-length, or while it streams in: never read whole. Throws REQUEST_TOO_LARGE. */
export function limitBody(maxBytes: number): MiddlewareHandler {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw ERRORS.REQUEST_TOO_LARGE(`the body must have at most ${maxBytes} bytes`);
    },
  });
}
