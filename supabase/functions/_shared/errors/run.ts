import { defineErrors } from './define.ts';

export const RUN_ERRORS = defineErrors({
  TABLE_UNKNOWN: {
    kind: 'permanent',
    http: 400,
    exit: 2,
    hint: 'Name tables as schema.table, as they stand in the database.',
  },
  WHERE_INVALID: { kind: 'permanent', http: 400, exit: 2, hint: 'Use only columns that the table has.' },
  RUN_NOT_ACTIVE: {
    kind: 'permanent',
    http: 409,
    exit: 2,
    hint: 'Only a backup that is in progress can be cancelled.',
  },
  RUN_NOT_COMPLETE: { kind: 'permanent', http: 409, exit: 2, hint: 'Wait until the backup has completed.' },
  TICKET_REFUSED: {
    kind: 'permanent',
    http: 401,
    exit: 2,
    hint: 'Workers are called by the queue; start a backup with backup-trigger.',
  },
  LEASE_LOST: {
    kind: 'transient',
    http: 409,
    exit: 1,
    hint: 'Another worker took the task over; nothing needs doing.',
  },
  KEEPER_UNAVAILABLE: {
    kind: 'permanent',
    http: 500,
    exit: 1,
    hint: 'Enable pg_cron (Dashboard, Integrations, Cron), or use scripts/export-critical-data.ts, which needs no keeper.',
  },
  KEEPER_LATE: {
    kind: 'transient',
    http: 503,
    exit: 1,
    hint: 'Check that pg_cron runs: select * from cron.job_run_details.',
  },
  KEEPER_LOST: {
    kind: 'transient',
    http: 503,
    exit: 1,
    hint: 'The run is retried whole; look for restarts of the database.',
  },
  ROW_TOO_LARGE: {
    kind: 'permanent',
    http: 422,
    exit: 1,
    hint: 'Back this table up with scripts/export-critical-data.ts, which has no such limit, or shrink the value.',
  },
  TASK_ABANDONED: {
    kind: 'transient',
    http: 503,
    exit: 1,
    hint: 'The worker ended before its task did; see the function logs.',
  },
  LEDGER_MISSING: {
    kind: 'permanent',
    http: 500,
    exit: 2,
    hint: 'Apply the migrations of Holdfast first: npx supabase db push. Restores need no ledger.',
  },
});
