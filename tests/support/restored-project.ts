/** The platform puts them into every project; a backup takes rows of auth and storage only. */
export const PLATFORM_SCHEMAS = [
  'cron',
  'net',
  'vault',
  'realtime',
  'graphql_public',
  'supabase_functions',
  'supabase_migrations',
];

/** Rows that differ between a project and its copy because the ledger goes on, or because they are the platform's own. */
export const UNSTEADY_TABLES = [
  'auth.schema_migrations',
  'storage.migrations',
  'public.backup_log',
  'public.backup_verification',
  'public.system_health_alerts',
  'backup.*',
];
