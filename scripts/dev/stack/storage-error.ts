/** An error as the Storage server writes it: HTTP 400 whatever the `statusCode` in the body, except for 5xx. */
export class StorageFailure extends Error {
  readonly statusCode: number;
  readonly error: string;

  constructor(statusCode: number, error: string, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.error = error;
  }

  toResponse(): Response {
    const body = { statusCode: String(this.statusCode), error: this.error, message: this.message };
    return Response.json(body, { status: this.statusCode >= 500 ? 500 : 400 });
  }
}

export const STORAGE_FAILURES = {
  objectMissing: () => new StorageFailure(404, 'not_found', 'Object not found'),
  bucketMissing: () => new StorageFailure(404, 'Bucket not found', 'Bucket not found'),
  keyInvalid: (key: string) => new StorageFailure(400, 'InvalidKey', `Invalid key: ${key}`),
  duplicate: () => new StorageFailure(409, 'Duplicate', 'The resource already exists'),
  denied: (message: string) => new StorageFailure(403, 'Unauthorized', message),
  jwtInvalid: (message: string) => new StorageFailure(403, 'Unauthorized', message),
  tooLarge: () => new StorageFailure(413, 'Payload too large', 'The object exceeded the maximum allowed size'),
  mimeTypeRefused: (type: string) => new StorageFailure(415, 'invalid_mime_type', `mime type ${type} is not supported`),
  requestInvalid: (message: string) => new StorageFailure(400, 'Invalid Input', message),
  rangeInvalid: () => new StorageFailure(416, 'InvalidRange', 'The requested range cannot be satisfied.'),
};
