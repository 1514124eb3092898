import { RETRYABLE_CODES, RETRYABLE_STATUSES } from './s3-retry.ts';
import { xmlText } from './s3-xml.ts';

const MAX_MESSAGE_CHARS = 300;
const MAX_ERROR_BODY_BYTES = 64 * 1024;

/** What went wrong in one attempt; turned into an error of the catalogue when no attempt is left. */
export class S3Failure extends Error {
  /** HTTP status, or null when there was no (whole) answer. */
  readonly status: number | null;
  /** The store's error code, '' when it gave none. */
  readonly code: string;
  readonly retryAfterMs: number | null;
  /** Store clock minus ours, from the answer's Date header. */
  readonly clockSkewMs: number | null;
  readonly region: string | undefined;
  readonly requestId: string | undefined;

  constructor(message: string, facts: Partial<S3Failure> & { cause?: unknown }) {
    super(message, { cause: facts.cause });
    this.status = facts.status ?? null;
    this.code = facts.code ?? '';
    this.retryAfterMs = facts.retryAfterMs ?? null;
    this.clockSkewMs = facts.clockSkewMs ?? null;
    this.region = facts.region;
    this.requestId = facts.requestId;
  }

  get retryable(): boolean {
    return this.status === null || RETRYABLE_STATUSES.has(this.status) || RETRYABLE_CODES.has(this.code);
  }
}

/** Reads an answer other than 2xx to its end. */
export async function failureOfResponse(response: Response): Promise<S3Failure> {
  return failureOfXml(await readErrorBody(response), response);
}

/** S3 may also answer 200 and put the error into the body (CompleteMultipartUpload does). */
export function failureOfXml(xml: string, response: Response): S3Failure {
  const code = xmlText(xml, 'Code') ?? response.headers.get('x-amz-error-code') ?? '';
  const message = xmlText(xml, 'Message') ?? response.headers.get('x-amz-error-message') ?? '';
  return new S3Failure(message.slice(0, MAX_MESSAGE_CHARS), {
    // An error within a 200 has no status of its own; S3 documents that such a request may be tried again.
    status: response.ok ? 500 : response.status,
    code: code.slice(0, MAX_MESSAGE_CHARS),
    retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
    clockSkewMs: clockSkewMs(response),
    region: xmlText(xml, 'Region') ?? response.headers.get('x-amz-bucket-region') ?? undefined,
    requestId: response.headers.get('x-amz-request-id') ?? undefined,
  });
}

/** Store clock minus ours in milliseconds, to the second; null without a Date header. */
export function clockSkewMs(response: Response, at = Date.now()): number | null {
  const storeTime = Date.parse(response.headers.get('date') ?? '');
  return Number.isNaN(storeTime) ? null : storeTime - Math.floor(at / 1000) * 1000;
}

function retryAfterMs(header: string | null): number | null {
  if (header === null) return null;
  const seconds = Number(header);
  const waitMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return waitMs > 0 ? waitMs : null;
}

async function readErrorBody(response: Response): Promise<string> {
  if (Number(response.headers.get('content-length')) > MAX_ERROR_BODY_BYTES) {
    await response.body?.cancel();
    return '';
  }
  return await response.text();
}
