/** Which schemas belong to the platform in a Supabase project: their data may be the user's, their DDL never is. */

/** Exact names and, ending in `*`, prefixes. The list of the Supabase CLI's dump, which restores rely on too. */
const PLATFORM_SCHEMAS = [
  ...['_analytics', '_realtime', '_supavisor', 'auth', 'cron', 'dbdev', 'etl', 'extensions', 'graphql'],
  ...['graphql_public', 'net', 'pgbouncer', 'pgmq', 'pgsodium', 'pgsodium_masks', 'pgtle', 'realtime', 'repack'],
  ...['storage', 'supabase_functions', 'supabase_migrations', 'tiger', 'tiger_data', 'topology', 'vault'],
  ...['timescaledb_*', '_timescaledb_*'],
];

/** Roles that own what the platform made. A schema of such a name that the user made is the user's. */
const PLATFORM_ROLE = /^(supabase_.+|pgbouncer|pgsodium_.+|pgtle_admin|dashboard_user)$/;

/** Every Supabase project has these. */
export const SUPABASE_ROLES = ['supabase_admin', 'anon', 'authenticated', 'service_role'] as const;

/** Managed schemas whose rows are the user's, with the tables in them that are not (the platform's own bookkeeping). */
export const MANAGED_DATA: Readonly<Record<string, readonly string[]>> = {
  auth: ['schema_migrations'],
  storage: ['migrations'],
};

/** Never copied, whoever owns them: jobs are restored by cron.schedule(), queues are transient, secrets stay where they are. */
export const NEVER_COPIED: ReadonlySet<string> = new Set(['cron', 'net', 'vault', 'pgsodium']);

/** True for a schema on the list that a platform role owns; ask only of a Supabase database. */
export function isManagedSchema(schema: { name: string; owner: string }): boolean {
  const listed = PLATFORM_SCHEMAS.some((known) =>
    known.endsWith('*') ? schema.name.startsWith(known.slice(0, -1)) : schema.name === known,
  );
  return listed && PLATFORM_ROLE.test(schema.owner);
}
