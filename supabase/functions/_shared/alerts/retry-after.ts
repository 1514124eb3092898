const LONGEST_SECONDS = 3600;

/** What the other side asks to wait: Retry-After in seconds or as a date, or retry_after in JSON as Discord has it; else 0. */
export function retryAfterSeconds(headers: Headers, body: string, nowMs: number): number {
  const header = headers.get('retry-after')?.trim() ?? '';
  const inBody = /"retry_after"\s*:\s*([\d.]+)/.exec(body)?.[1];
  const seconds = /^\d+(\.\d+)?$/.test(header) ? Number(header) : (Date.parse(header) - nowMs) / 1000;
  const asked = Math.max(Number.isFinite(seconds) ? seconds : 0, Number(inBody ?? 0) || 0);
  return Math.min(LONGEST_SECONDS, Math.max(0, Math.ceil(asked)));
}
