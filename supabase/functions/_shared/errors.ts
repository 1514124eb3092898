/** The one catalogue: every area declares its codes under errors/, this file joins them. Messages: lower case, no full stop. */
import { ARCHIVE_ERRORS } from './errors/archive.ts';
import { CONFIG_ERRORS } from './errors/config.ts';
import { EXPORT_ERRORS } from './errors/export.ts';
import { HTTP_ERRORS } from './errors/http.ts';
import { POSTGRES_ERRORS } from './errors/postgres.ts';
import { RESTORE_ERRORS } from './errors/restore.ts';
import { RUN_ERRORS } from './errors/run.ts';
import { STORE_ERRORS } from './errors/store.ts';

export { type ErrorKind, HoldfastError } from './errors/define.ts';

export const ERRORS = {
  ...ARCHIVE_ERRORS,
  ...CONFIG_ERRORS,
  ...EXPORT_ERRORS,
  ...HTTP_ERRORS,
  ...POSTGRES_ERRORS,
  ...RESTORE_ERRORS,
  ...RUN_ERRORS,
  ...STORE_ERRORS,
};
