import type { HoldfastError } from '../errors/define.ts';
import { STORE_ERRORS } from '../errors/store.ts';
import type { S3Failure } from './s3-failure.ts';

type StoreErrorCode = keyof typeof STORE_ERRORS;

/** S3 error codes, as stores of several makers spell them, and ours. */
const BY_CODE: Record<string, StoreErrorCode> = {
  AccessDenied: 'STORE_DENIED',
  AccountProblem: 'STORE_DENIED',
  AllAccessDisabled: 'STORE_DENIED',
  ExpiredToken: 'STORE_DENIED',
  InvalidAccessKeyId: 'STORE_DENIED',
  InvalidToken: 'STORE_DENIED',
  SignatureDoesNotMatch: 'STORE_DENIED',
  UserSuspended: 'STORE_DENIED',
  Unauthorized: 'STORE_DENIED',
  RequestExpired: 'STORE_CLOCK_SKEWED',
  RequestTimeTooSkewed: 'STORE_CLOCK_SKEWED',
  InvalidBucketName: 'STORE_BUCKET_MISSING',
  NoSuchBucket: 'STORE_BUCKET_MISSING',
  AuthorizationHeaderMalformed: 'STORE_REGION_WRONG',
  IllegalLocationConstraintException: 'STORE_REGION_WRONG',
  PermanentRedirect: 'STORE_REGION_WRONG',
  TemporaryRedirect: 'STORE_REGION_WRONG',
  NoSuchKey: 'OBJECT_MISSING',
  NoSuchVersion: 'OBJECT_MISSING',
  PreconditionFailed: 'OBJECT_EXISTS',
  InsufficientStorage: 'STORE_FULL',
  QuotaExceeded: 'STORE_FULL',
  ServiceQuotaExceeded: 'STORE_FULL',
  XMinioAdminBucketQuotaExceeded: 'STORE_FULL',
  XMinioStorageFull: 'STORE_FULL',
  BadDigest: 'OBJECT_CORRUPT',
  XAmzContentSHA256Mismatch: 'OBJECT_CORRUPT',
  RequestTimeout: 'STORE_UNREACHABLE',
  NoSuchUpload: 'STORE_FAILED',
};

const BY_STATUS: Record<number, StoreErrorCode> = {
  301: 'STORE_REGION_WRONG',
  401: 'STORE_DENIED',
  403: 'STORE_DENIED',
  404: 'OBJECT_MISSING',
  412: 'OBJECT_EXISTS',
  507: 'STORE_FULL',
};

const HINTS: Partial<Record<StoreErrorCode, string>> = {
  OBJECT_CORRUPT: 'The bytes were altered on their way to the store, again and again; check the network between.',
};

export interface FailedRequest {
  /** What was tried, for people: `put object 'a/b'`. */
  readonly operation: string;
  readonly location: string;
  readonly attempts: number;
}

/** The catalogue's error for a request that is given up. Never contains a secret, a signature or a signed URL. */
export function toStoreError(failure: S3Failure, request: FailedRequest): HoldfastError {
  const code = codeOf(failure);
  const answer =
    failure.status === null ? failure.message : `${failure.status} ${failure.code} ${failure.message}`.trim();
  return STORE_ERRORS[code](`cannot ${request.operation} in ${request.location}: ${answer}`, {
    cause: failure.cause,
    hint: hintOf(code, failure),
    details: {
      operation: request.operation,
      attempts: request.attempts,
      status: failure.status,
      storeCode: failure.code,
      requestId: failure.requestId,
      ...(code === 'STORE_CLOCK_SKEWED' ? { clockSkewMs: failure.clockSkewMs } : {}),
    },
  });
}

function codeOf(failure: S3Failure): StoreErrorCode {
  if (failure.status === null) return 'STORE_UNREACHABLE';
  const known = BY_CODE[failure.code] ?? BY_STATUS[failure.status];
  if (known) return known;
  return failure.retryable || failure.status >= 500 ? 'STORE_FAILED' : 'STORE_REFUSED';
}

function hintOf(code: StoreErrorCode, failure: S3Failure): string | undefined {
  if (code === 'STORE_REGION_WRONG' && failure.region) return `Set BACKUP_S3_REGION to ${failure.region}.`;
  return HINTS[code];
}
