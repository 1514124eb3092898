/** What a project and its copy need not have alike, for comparePgDump(). */

/** Of the stand-in platform, which every Supabase-shaped database has by itself. */
export const PLATFORM = [
  'auth',
  'storage',
  'cron',
  'net',
  'vault',
  'realtime',
  'graphql_public',
  'supabase_functions',
  'extensions',
];

/** Rows that a backup deliberately leaves out. */
export const TRANSIENT = ['task', 'ticket', 'setting', 'run_table', 'segment'].map(
  (name) => `--exclude-table-data=backup.${name}`,
);
