/**
 * What a project adds to the platform's own tables and pg_dump would only give together with them: triggers that call
 * the project's functions (a profile for each new row of auth.users), and row security policies (storage.objects).
 */
import { quoteLiteral } from './identifiers.ts';
import { MANAGED_DATA } from './managed-schemas.ts';
import type { PgSession } from './session.ts';

const TRIGGERS_SQL = (schemas: string) => `
  select n.nspname, c.relname, t.tgname, pg_get_triggerdef(t.oid)
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_proc f on f.oid = t.tgfoid
  join pg_namespace fn on fn.oid = f.pronamespace
  where not t.tgisinternal and n.nspname in (${schemas})
    and fn.nspname <> all (array[${schemas}, 'pg_catalog']) and pg_get_userbyid(f.proowner) !~ '^supabase_'
  order by n.nspname collate "C", c.relname collate "C", t.tgname collate "C"`;

const POLICIES_SQL = (schemas: string) => `
  select n.nspname, c.relname, p.polname, format('CREATE POLICY %I ON %I.%I AS %s FOR %s TO %s%s%s',
      p.polname, n.nspname, c.relname,
      case when p.polpermissive then 'PERMISSIVE' else 'RESTRICTIVE' end,
      case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' else 'ALL' end,
      (select string_agg(case r when 0 then 'PUBLIC' else quote_ident(pg_get_userbyid(r)) end, ', ' order by ordinal)
         from unnest(p.polroles) with ordinality as roles(r, ordinal)),
      ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
      ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in (${schemas})
  order by n.nspname collate "C", c.relname collate "C", p.polname collate "C"`;

/** Statements that create each where the target does not have it; for the end of the post-data section. */
export async function readManagedExtras(session: PgSession): Promise<string[]> {
  const schemas = Object.keys(MANAGED_DATA).map(quoteLiteral).join(', ');
  const triggers = await session.query(TRIGGERS_SQL(schemas));
  const policies = await session.query(POLICIES_SQL(schemas));
  return [
    ...triggers.map((row) => createIfMissing(row as string[], 'pg_trigger', ['tgrelid', 'tgname'])),
    ...policies.map((row) => createIfMissing(row as string[], 'pg_policy', ['polrelid', 'polname'])),
  ];
}

function createIfMissing(
  [schema, table, name, statement]: string[],
  catalog: string,
  [relation, label]: [string, string],
): string {
  const oid = `to_regclass(quote_ident(${quoteLiteral(schema!)}) || '.' || quote_ident(${quoteLiteral(table!)}))`;
  const body = `begin
  if not exists (select from pg_catalog.${catalog} where ${relation} = ${oid} and ${label} = ${quoteLiteral(name!)}) then
    execute ${quoteLiteral(statement!)};
  end if;
end`;
  return `do ${quoteLiteral(body)};\n`;
}
