/** The one catalogue: every area declares its codes under errors/, this file joins them. Messages: lower case, no full stop. */
import { ACCOUNT_EXPORT_ERRORS } from './errors/account-export.ts';
import { ALERT_ERRORS } from './errors/alerts.ts';
import { ARCHIVE_ERRORS } from './errors/archive.ts';
import { CONFIG_ERRORS } from './errors/config.ts';
import { ERASURE_ERRORS } from './errors/erasure.ts';
import { EXPORT_ERRORS } from './errors/export.ts';
import { HTTP_ERRORS } from './errors/http.ts';
import { MONITOR_ERRORS } from './errors/monitor.ts';
import { POSTGRES_ERRORS } from './errors/postgres.ts';
import { RESTORE_ERRORS } from './errors/restore.ts';
import { RUN_ERRORS } from './errors/run.ts';
import { STORE_ERRORS } from './errors/store.ts';
import { SUBJECT_ERRORS } from './errors/subject.ts';

export { type ErrorKind, HoldfastError } from './errors/define.ts';

export const ERRORS = {
  ...ACCOUNT_EXPORT_ERRORS,
  ...ALERT_ERRORS,
  ...ARCHIVE_ERRORS,
  ...CONFIG_ERRORS,
  ...ERASURE_ERRORS,
  ...EXPORT_ERRORS,
  ...HTTP_ERRORS,
  ...MONITOR_ERRORS,
  ...POSTGRES_ERRORS,
  ...RESTORE_ERRORS,
  ...RUN_ERRORS,
  ...STORE_ERRORS,
  ...SUBJECT_ERRORS,
};
