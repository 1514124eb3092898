import { defineErrors } from './define.ts';

export const HTTP_ERRORS = defineErrors({
  UNAUTHENTICATED: {
    kind: 'permanent',
    http: 401,
    exit: 2,
    hint: "Send the service key in the 'apikey' header, or an admin's access token as 'Authorization: Bearer …'.",
  },
  FORBIDDEN: { kind: 'permanent', http: 403, exit: 2, hint: 'Ask an admin of the project to do this.' },
  AUTH_UNREACHABLE: {
    kind: 'transient',
    http: 503,
    exit: 4,
    hint: 'Try again in a moment, or use the service key, which needs no Auth server.',
  },
  REQUEST_INVALID: { kind: 'permanent', http: 400, exit: 2, hint: 'Correct the named fields; nothing was changed.' },
  REQUEST_TOO_LARGE: { kind: 'permanent', http: 413, exit: 2, hint: 'Send a smaller request body.' },
  NOT_FOUND: { kind: 'permanent', http: 404, exit: 2, hint: 'List what exists and use one of those ids.' },
  METHOD_NOT_ALLOWED: { kind: 'permanent', http: 405, exit: 2, hint: "Use one of the methods in the 'Allow' header." },
  MIGRATIONS_MISSING: {
    kind: 'permanent',
    http: 500,
    exit: 2,
    hint: 'Apply the migrations in supabase/migrations to this database, for example with: supabase db push.',
  },
  FUNCTIONS_URL_UNKNOWN: {
    kind: 'permanent',
    http: 500,
    exit: 2,
    hint: "Run once: select backup.configure(p_functions_url => 'https://<project ref>.supabase.co/functions/v1')",
  },
  INTERNAL: { kind: 'bug', http: 500, exit: 70, hint: 'Please report this with the message and what you did.' },
});
