import { defineErrors } from './define.ts';

export const ACCOUNT_EXPORT_ERRORS = defineErrors({
  EXPORT_LIMIT: {
    kind: 'permanent',
    http: 429,
    exit: 2,
    hint: "Wait until 'Retry-After' has passed; a finished export can be downloaded until it expires.",
  },
  SUBJECT_UNKNOWN: { kind: 'permanent', http: 404, exit: 2, hint: 'Give the id of a user as it is in auth.users.' },
  EXPORT_NOT_READY: { kind: 'permanent', http: 409, exit: 2, hint: "Ask status_url until its state is 'ready'." },
  EXPORT_GONE: { kind: 'permanent', http: 410, exit: 2, hint: 'The export expired or was cancelled; start a new one.' },
  EXPORT_TOO_LARGE: {
    kind: 'permanent',
    http: 413,
    exit: 1,
    hint: 'Ask the operator for the export: npm run account:export has no such limit.',
  },
  EXPORT_PLAN_CHANGED: {
    kind: 'permanent',
    http: 409,
    exit: 1,
    hint: 'Start a new export when backup.subject_source and the mapped tables rest, or run npm run account:export, which reads them at one moment.',
  },
  DOWNLOAD_LIMIT: {
    kind: 'transient',
    http: 429,
    exit: 1,
    hint: "Ask again when 'Retry-After' has passed; with a range it goes on where it ended.",
  },
  EXPORT_DAMAGED: {
    kind: 'permanent',
    http: 500,
    exit: 5,
    hint: 'The parts in the store are not those that were written; start a new export.',
  },
  RANGE_INVALID: { kind: 'permanent', http: 416, exit: 2, hint: 'Ask for a range within the size of the file.' },
  STORAGE_UNREACHABLE: {
    kind: 'transient',
    http: 503,
    exit: 4,
    hint: 'Check that the Storage API of the project answers and takes the service key.',
  },
});
