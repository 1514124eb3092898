import { defineErrors } from './define.ts';

export const EXPORT_ERRORS = defineErrors({
  DATABASE_VERSION_UNSUPPORTED: {
    kind: 'permanent',
    http: 422,
    exit: 2,
    hint: 'Export it with the pg_dump of its own version, or upgrade the database.',
  },
  EXPORT_INTERRUPTED: {
    kind: 'transient',
    http: 503,
    exit: 130,
    hint: 'Nothing of it is left in the store; start the export again.',
  },
  TABLES_CHANGED: {
    kind: 'transient',
    http: 503,
    exit: 1,
    hint: 'Try again when no migration is running: a table was rewritten or dropped while the backup began.',
  },
  NOTIFICATION_FAILED: {
    kind: 'transient',
    http: 502,
    exit: 1,
    hint: 'The backup itself is complete; check the address given with --notify.',
  },
});
