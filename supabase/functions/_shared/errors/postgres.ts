import { defineErrors } from './define.ts';

export const POSTGRES_ERRORS = defineErrors({
  DATABASE_UNREACHABLE: {
    kind: 'transient',
    http: 503,
    exit: 4,
    hint: 'Check the host, the port and that the database is running.',
  },
  DATABASE_LOGIN_FAILED: {
    kind: 'permanent',
    http: 500,
    exit: 4,
    hint: 'Check user, password and database in the connection URL.',
  },
  DATABASE_TLS_FAILED: {
    kind: 'permanent',
    http: 500,
    exit: 4,
    hint: "Give the database's CA certificate (Dashboard, Database, SSL Configuration), or use another sslmode.",
  },
  DATABASE_CONNECTION_LOST: {
    kind: 'transient',
    http: 503,
    exit: 4,
    hint: 'Try again; look for restarts of the database.',
  },
  PROTOCOL_VIOLATED: {
    kind: 'permanent',
    http: 502,
    exit: 1,
    hint: 'Check that the host and port are those of a PostgreSQL server.',
  },
  QUERY_FAILED: { kind: 'permanent', http: 500, exit: 1, hint: 'See the SQLSTATE in the details.' },
  QUERY_INTERRUPTED: {
    kind: 'transient',
    http: 503,
    exit: 1,
    hint: 'Try again; the SQLSTATE in the details says what came in between.',
  },
  SESSION_BUSY: {
    kind: 'bug',
    http: 500,
    exit: 70,
    hint: 'Please report this: one session was used for two things at once.',
  },
  SNAPSHOT_LOST: {
    kind: 'transient',
    http: 503,
    exit: 1,
    hint: 'The transaction that held the snapshot has ended; start the backup again.',
  },
  SLICE_TOO_LARGE: { kind: 'transient', http: 503, exit: 1, hint: 'The slice is cut in two and tried again.' },
  PG_DUMP_FAILED: { kind: 'permanent', http: 500, exit: 1, hint: 'See the log of pg_dump in the details.' },
});
