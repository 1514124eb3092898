import { defineErrors } from './define.ts';

export const STORE_ERRORS = defineErrors({
  STORE_UNREACHABLE: {
    kind: 'transient',
    http: 503,
    exit: 4,
    hint: 'Check BACKUP_S3_ENDPOINT and that the store is up.',
  },
  STORE_DENIED: {
    kind: 'permanent',
    http: 500,
    exit: 4,
    hint: "Check the access key, the secret and the bucket's policy.",
  },
  STORE_CLOCK_SKEWED: {
    kind: 'permanent',
    http: 500,
    exit: 4,
    hint: 'Set the clock of this machine; S3 allows 15 minutes.',
  },
  STORE_BUCKET_MISSING: {
    kind: 'permanent',
    http: 500,
    exit: 4,
    hint: 'Create the bucket or correct BACKUP_S3_BUCKET.',
  },
  STORE_REGION_WRONG: {
    kind: 'permanent',
    http: 500,
    exit: 4,
    hint: 'Set BACKUP_S3_REGION to the region of the bucket.',
  },
  STORE_FULL: { kind: 'permanent', http: 507, exit: 1, hint: 'Free space or raise the quota of the store.' },
  STORE_PUBLIC: {
    kind: 'permanent',
    http: 500,
    exit: 2,
    hint: 'Close the bucket to anonymous readers, or encrypt the backup.',
  },
  OBJECT_MISSING: {
    kind: 'permanent',
    http: 404,
    exit: 5,
    hint: 'The object was deleted or never written; use another backup.',
  },
  OBJECT_EXISTS: { kind: 'permanent', http: 409, exit: 1, hint: 'Backups are never overwritten; start a new one.' },
  OBJECT_CORRUPT: {
    kind: 'permanent',
    http: 500,
    exit: 5,
    hint: 'The bytes in the store are not those written; use another backup.',
  },
  OBJECT_TOO_LARGE: {
    kind: 'permanent',
    http: 413,
    exit: 1,
    hint: 'Read the object as a stream, or back up less at once.',
  },
  OBJECT_KEY_INVALID: {
    kind: 'bug',
    http: 500,
    exit: 70,
    hint: 'Please report this with the key; names are encoded before they become keys.',
  },
  WRITER_CLOSED: { kind: 'bug', http: 500, exit: 70, hint: 'Please report this with the message and what you did.' },
  /** The store understood and said no; the same call will not succeed later. */
  STORE_REFUSED: { kind: 'permanent', http: 502, exit: 1, hint: 'See the answer of the store in the details.' },
  STORE_FAILED: { kind: 'transient', http: 502, exit: 1, hint: 'See the answer of the store in the details.' },
});
