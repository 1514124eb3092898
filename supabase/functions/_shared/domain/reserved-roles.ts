/** Which roles every project has already: no backup describes them, no restore creates or alters them. */

/** The Supabase CLI's list. */
const PLATFORM_ROLES =
  /^(anon|authenticated|authenticator|service_role|postgres|dashboard_user|pgbouncer|pgtle_admin|cli_login_.*|supabase_.*|pgsodium_key.*)$/;

/** Reserved roles whose settings are the project's own doing. */
const API_ROLES: ReadonlySet<string> = new Set(['anon', 'authenticated', 'authenticator', 'service_role', 'postgres']);

/** On a server that is not Supabase's a role `anon` is the user's, as PostgREST's documentation has it. */
export function isReservedRole(name: string, supabase: boolean): boolean {
  if (name.startsWith('pg_') || name === 'postgres') return true;
  return supabase && PLATFORM_ROLES.test(name);
}

/** True for a role whose settings a backup keeps: one of the user's, or one that serves the project's API. */
export function hasOwnSettings(name: string, supabase: boolean): boolean {
  return !isReservedRole(name, supabase) || API_ROLES.has(name);
}
