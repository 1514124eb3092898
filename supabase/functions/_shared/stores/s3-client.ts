import { AwsV4Signer } from 'aws4fetch';
import { HoldfastError } from '../errors/define.ts';
import { SpareParts } from './part-buffer.ts';
import { toStoreError } from './s3-errors.ts';
import { failureOfResponse, S3Failure } from './s3-failure.ts';
import type { S3Options, S3Tuning } from './s3-options.ts';
import { pause, RETRY_POLICY, type RetryPolicy, retryDelayMs, uploadTimeoutMs } from './s3-retry.ts';
import { sha256Hex } from './sha256.ts';

const NO_BODY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** For people and logs: `put object 'a/b'`. */
  readonly operation: string;
  /** With the prefix; absent for requests to the bucket. */
  readonly key?: string;
  readonly query?: Record<string, string>;
  readonly headers?: Record<string, string>;
  /** Sent again as it is on every attempt: do not change it until send() has settled. */
  readonly body?: Uint8Array;
  /** Hex; computed where absent. */
  readonly bodySha256?: string;
  readonly signal?: AbortSignal;
  /** Sent without a signature, as a stranger would. */
  readonly anonymous?: boolean;
}

/** Reads a 2xx answer; within the attempt, so that a broken answer is asked for again. May throw S3Failure. */
export type ReadResponse<T> = (response: Response, attempt: number) => Promise<T>;

/** Signs requests for one bucket (SigV4, payload hash always signed), sends and repeats them. */
export class S3Client {
  readonly options: S3Options;
  readonly location: string;
  readonly policy: RetryPolicy;
  readonly now: () => Date;
  readonly spareParts = new SpareParts();
  /** Hex. */
  readonly sha256: (bytes: Uint8Array) => string | Promise<string>;
  readonly #fetch: typeof fetch;
  readonly #bucketUrl: string;
  readonly #signingKeys = new Map<string, ArrayBuffer>();

  constructor(options: S3Options & S3Tuning) {
    this.options = options;
    this.policy = { ...RETRY_POLICY, ...options.retry };
    this.now = options.now ?? (() => new Date());
    this.sha256 = options.sha256 ?? sha256Hex;
    this.#fetch = options.fetch ?? fetch;
    const endpoint = new URL(options.endpoint);
    this.#bucketUrl = `${endpoint.href.replace(/\/+$/, '')}/${encodeURIComponent(options.bucket)}`;
    const folder = options.prefix ? `${options.bucket}/${options.prefix}` : options.bucket;
    this.location = `s3://${folder} on ${endpoint.host}`;
  }

  /**
   * Sends until the answer is 2xx and read whole. Throws what the answer means (see s3-errors.ts) when the policy's
   * attempts are used up or repeating is pointless; the signal's reason when it aborts.
   */
  async send<T>(request: S3Request, read: ReadResponse<T>): Promise<T> {
    const bodySha256 = request.bodySha256 ?? (request.body ? await this.sha256(request.body) : NO_BODY_SHA256);
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#attempt({ ...request, bodySha256 }, (response) => read(response, attempt)).catch(
        (error) => this.#failureOf(error, request),
      );
      if (!(failure instanceof S3Failure)) return failure;
      if (!failure.retryable || attempt >= this.policy.maxAttempts) {
        throw toStoreError(failure, { operation: request.operation, location: this.location, attempts: attempt });
      }
      await pause(retryDelayMs(this.policy, { attempt, retryAfterMs: failure.retryAfterMs }), request.signal);
    }
  }

  /** A URL that reads `key` for `seconds` (1 to 604,800) without credentials. */
  async presign(key: string, seconds: number): Promise<string> {
    const signer = this.#signer('GET', this.#url(key, { 'X-Amz-Expires': String(seconds) }), { signQuery: true });
    return (await signer.sign()).url.toString();
  }

  async #attempt<T>(request: S3Request, read: (response: Response) => Promise<T>): Promise<T> {
    const stop = new AbortController();
    const forward = () => stop.abort(request.signal?.reason);
    request.signal?.throwIfAborted();
    request.signal?.addEventListener('abort', forward, { once: true });
    const timeoutMs = uploadTimeoutMs(this.policy, request.body?.length ?? 0);
    const timer = setTimeout(() => stop.abort(new S3Failure(`no answer in ${timeoutMs} ms`, {})), timeoutMs);
    try {
      const { url, headers } = await this.#prepare(request);
      const response = await this.#fetch(url, {
        method: request.method,
        headers,
        // SAFETY: never backed by shared memory.
        body: request.body as Uint8Array | undefined,
        signal: stop.signal,
        // A redirect cannot be followed with this signature; the answer says where the bucket is.
        redirect: 'manual',
      });
      if (!response.ok) throw await failureOfResponse(response);
      return await read(response);
    } finally {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', forward);
    }
  }

  async #prepare(request: S3Request): Promise<{ url: string; headers: Headers }> {
    const url = this.#url(request.key, request.query ?? {});
    if (request.anonymous) return { url, headers: new Headers(request.headers) };
    const signer = this.#signer(request.method, url, {
      headers: { ...request.headers, 'x-amz-content-sha256': request.bodySha256 ?? NO_BODY_SHA256 },
    });
    return { url, headers: (await signer.sign()).headers };
  }

  #signer(method: string, url: string, rest: { headers?: Record<string, string>; signQuery?: boolean }): AwsV4Signer {
    const { accessKeyId, region } = this.options;
    const secret = this.options.secretAccessKey;
    const secretAccessKey = typeof secret === 'string' ? secret : secret.reveal();
    const datetime = this.now()
      .toISOString()
      .replace(/[:-]|\.\d{3}/g, '');
    const cache = this.#signingKeys;
    return new AwsV4Signer({
      method,
      url,
      accessKeyId,
      secretAccessKey,
      region,
      datetime,
      cache,
      service: 's3',
      ...rest,
    });
  }

  #url(key: string | undefined, query: Record<string, string>): string {
    const path = key === undefined ? '' : `/${key.split('/').map(encodeRfc3986).join('/')}`;
    const search = Object.entries(query).map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`);
    return `${this.#bucketUrl}${path}${search.length > 0 ? '?' : ''}${search.join('&')}`;
  }

  #failureOf(error: unknown, request: S3Request): S3Failure {
    if (request.signal?.aborted) throw request.signal.reason;
    if (error instanceof S3Failure) return error;
    if (error instanceof HoldfastError) throw error;
    return new S3Failure(networkMessage(error), { cause: error });
  }
}

/** Node hides the reason ("fetch failed") in the cause, the edge runtime in the message. */
function networkMessage(error: unknown): string {
  const reasons: string[] = [];
  for (let at = error; at instanceof Error && reasons.length < 4; at = at.cause) reasons.push(at.message || at.name);
  return `no whole answer (${reasons.filter(Boolean).join(': ')})`;
}

function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
