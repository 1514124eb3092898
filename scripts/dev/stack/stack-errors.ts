import { defineErrors } from '../../../supabase/functions/_shared/errors/define.ts';

/** Errors of the local stack; they never leave the developer's machine, so they are not in the shared catalogue. */
export const STACK_ERRORS = defineErrors({
  STACK_OPTION_INVALID: { kind: 'permanent', http: 400, exit: 2, hint: 'See `npm run stack -- --help`.' },
  STACK_RUNNING: {
    kind: 'permanent',
    http: 409,
    exit: 2,
    hint: 'Stop it with `npm run stack -- --stop`, or use another --dir.',
  },
  STACK_START_FAILED: { kind: 'permanent', http: 500, exit: 1, hint: 'See the log files of the stack in the details.' },
  STACK_STOP_FAILED: { kind: 'permanent', http: 500, exit: 1, hint: 'End the named process by hand.' },
  MIGRATION_FAILED: {
    kind: 'permanent',
    http: 500,
    exit: 1,
    hint: 'See the output of the Supabase CLI in the details.',
  },
  FUNCTION_BOOT_FAILED: { kind: 'permanent', http: 503, exit: 1, hint: 'See the log of the function.' },
});
