import { defineErrors } from './define.ts';

export const ERASURE_ERRORS = defineErrors({
  ERASURE_BLOCKED: {
    kind: 'permanent',
    http: 409,
    exit: 2,
    hint: 'Map the named tables in backup.subject_source, or change the named constraints; nothing was erased.',
  },
  ERASURE_PLAN_CHANGED: {
    kind: 'permanent',
    http: 409,
    exit: 2,
    hint: 'Request the erasure again, look at the new plan and confirm it; nothing was erased.',
  },
  ERASURE_OPEN: {
    kind: 'permanent',
    http: 409,
    exit: 2,
    hint: 'Wait for the erasure that is scheduled, or cancel it first; one that has failed, or whose script was killed, goes on with npm run account:erase -- --resume ERASURE --yes.',
  },
  ERASURE_NOT_OPEN: {
    kind: 'permanent',
    http: 409,
    exit: 2,
    hint: 'Request a new erasure; this one is not in a state in which that can be done.',
  },
  ERASURE_LIMIT: { kind: 'permanent', http: 429, exit: 2, hint: 'Wait as long as Retry-After says, then ask again.' },
  ERASURE_TOKEN_REFUSED: {
    kind: 'permanent',
    http: 403,
    exit: 2,
    hint: 'Request the erasure again and confirm it with the new token within its minutes.',
  },
  SIGN_IN_TOO_OLD: {
    kind: 'permanent',
    http: 403,
    exit: 2,
    hint: 'Sign in again, and repeat the request within some minutes.',
  },
  ERASURE_INCOMPLETE: {
    kind: 'transient',
    http: 503,
    exit: 1,
    hint: 'Run it again: it goes on where it stopped. If it repeats, see which application still writes rows of this person.',
  },
  PLATFORM_API_FAILED: {
    kind: 'transient',
    http: 502,
    exit: 4,
    hint: "Check that the project's Auth and Storage servers answer, and that the service key is theirs; then run it again.",
  },
  LEDGER_DAMAGED: {
    kind: 'permanent',
    http: 500,
    exit: 5,
    hint: 'Restore the named entry of the erasure ledger from another copy, or say that the restore may go on without it: --allow-damaged-erasures.',
  },
  LEDGER_FOREIGN: {
    kind: 'permanent',
    http: 409,
    exit: 2,
    hint: 'Give each database a prefix of its own (BACKUP_S3_PREFIX); nothing was erased.',
  },
  LEDGER_FORKED: {
    kind: 'transient',
    http: 503,
    exit: 1,
    hint: 'Run it again; nothing was erased. Give each database a prefix of its own (BACKUP_S3_PREFIX).',
  },
  SUBJECT_UNKNOWN: { kind: 'permanent', http: 404, exit: 2, hint: 'Give the id of a user as auth.users has it.' },
});
