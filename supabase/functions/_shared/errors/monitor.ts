import { defineErrors } from './define.ts';

export const MONITOR_ERRORS = defineErrors({
  HEALTH_CHECK_UNKNOWN: {
    kind: 'permanent',
    http: 404,
    exit: 2,
    hint: 'The names of the checks are in docs/health.md and in the report itself.',
  },
  HEALTH_CHECK_TIMEOUT: {
    kind: 'transient',
    http: 503,
    exit: 1,
    hint: 'The database may be busy; the next evaluation tries again.',
  },
  HEALTH_THRESHOLD_MISSING: {
    kind: 'permanent',
    http: 500,
    exit: 2,
    hint: 'Put the row back into backup.health_threshold; docs/health.md has the presets.',
  },
});
