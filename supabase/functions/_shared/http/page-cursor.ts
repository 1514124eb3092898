/** Cursors are opaque to callers: what they hold is ours to change. Base64url of JSON. */
import type { z } from 'zod';
import { invalidRequest } from './parse-request.ts';

export function encodeCursor(position: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(position));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/** Null without a cursor. Throws REQUEST_INVALID for one that is not ours. */
export function decodeCursor<S extends z.ZodType>(schema: S, cursor: string | undefined): z.output<S> | null {
  if (cursor === undefined) return null;
  const parsed = schema.safeParse(decodeJson(cursor));
  if (!parsed.success)
    throw invalidRequest([{ field: 'cursor', rule: 'must be the next_cursor of a page before' }], 'query');
  return parsed.data;
}

function decodeJson(cursor: string): unknown {
  try {
    const bytes = Uint8Array.from(atob(cursor.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined; // no schema takes undefined: the caller refuses it
  }
}
