import type { Platform } from '../platform.ts';

/** A worker answers before it works; longer than this, and the platform has not begun it. */
const TIMEOUT_MS = 10_000;

/** Calls a function of this project, `path` being `<function>[/route]`, with a ticket; gives the HTTP status of the answer. */
export function workerCaller(platform: Pick<Platform, 'env'>, path: string): (ticket: string) => Promise<number> {
  return async (ticket) => {
    const response = await fetch(`${platform.env('SUPABASE_URL')}/functions/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ticket }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.status;
  };
}
