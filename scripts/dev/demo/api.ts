/** The demo talks to the functions as an operator does: over HTTP with the service key. */
export interface Api {
  readonly url: string;
  readonly key: string;
}

export interface BackupState {
  readonly backup_id: string;
  readonly status: string;
  readonly stage: string;
  readonly [field: string]: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: answers are read field by field, and a missing one fails the demo.
export async function callApi(api: Api, method: string, path: string, body?: unknown): Promise<any> {
  const response = await fetch(`${api.url}/functions/v1/backup-trigger${path}`, {
    method,
    headers: { apikey: api.key, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${JSON.stringify(answer)}`);
  return answer;
}

/** Polls until the check holds; throws after `timeoutMs`. */
export async function waitFor<T>(what: string, timeoutMs: number, check: () => Promise<T | null>): Promise<T> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const result = await check();
    if (result !== null) return result;
    if (Date.now() > until) throw new Error(`${what} took longer than ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
