/** How often and how long an S3 request is tried. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  /** The first wait is a random time up to this; each next one up to twice as much. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** A store that asks for a longer wait than this (Retry-After) is waited for so long only. */
  readonly maxRetryAfterMs: number;
  /** Until the answer's headers, and for small answers their end; also the longest silence within a streamed answer. */
  readonly attemptTimeoutMs: number;
  /** Added to attemptTimeoutMs for a body that is sent: the slowest upload we wait for. */
  readonly minUploadBytesPerSecond: number;
}

/** Six attempts wait 6.2 s at the very most, which fits into the 75 s that a worker call is sure of. */
export const RETRY_POLICY: RetryPolicy = {
  maxAttempts: 6,
  baseDelayMs: 200,
  maxDelayMs: 5_000,
  maxRetryAfterMs: 10_000,
  attemptTimeoutMs: 20_000,
  minUploadBytesPerSecond: 512 * 1024,
};

export const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** Codes of answers whose status alone does not tell (most are 400). */
export const RETRYABLE_CODES: ReadonlySet<string> = new Set([
  'SlowDown',
  'RequestTimeout',
  'InternalError',
  'ServiceUnavailable',
  'Throttling',
  'ThrottlingException',
  'OperationAborted',
  // The bytes were altered on the way; the next attempt sends them again.
  'BadDigest',
  'XAmzContentSHA256Mismatch',
]);

/** Exponential backoff with full jitter; never shorter than what the store asked for. */
export function retryDelayMs(policy: RetryPolicy, failed: { attempt: number; retryAfterMs: number | null }): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (failed.attempt - 1));
  return Math.max(Math.random() * ceiling, Math.min(failed.retryAfterMs ?? 0, policy.maxRetryAfterMs));
}

export function uploadTimeoutMs(policy: RetryPolicy, bodyBytes: number): number {
  return policy.attemptTimeoutMs + (bodyBytes / policy.minUploadBytesPerSecond) * 1000;
}

/** Waits; rejects with the signal's reason when it aborts. */
export function pause(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, delayMs);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
