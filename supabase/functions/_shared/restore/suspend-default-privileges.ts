/**
 * What is restored must have the grants that it had, no more: pg_dump writes them on top of those that PostgreSQL gives
 * by itself, and a Supabase project gives everything on new objects to its API roles. Around the DDL of a part of a
 * database, the target's default privileges are put back to PostgreSQL's own, and then to what they were; both in the
 * transaction of that DDL, so that nobody sees it and nothing of it stays after a failure.
 */

const OBJECTS = `case objtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' else 'schemas' end`;
const SCOPE = `coalesce('in schema ' || pg_catalog.quote_ident(nspname), '')`;
const GRANTEE = `case grantee when 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) end`;
/** Schemas that the role may not create in are not restored into either. */
const SAVED = 'pg_temp.holdfast_default_privileges';
/** Nothing saved is granted now; only default privileges of the whole database can take away what PostgreSQL gives. */
const REVOKE_ALL = `
  for d in select distinct nspname, objtype, grantee from ${SAVED} where grantee is not null
    union select nspname, objtype, 0 from ${SAVED} where nspname is null and objtype in ('f', 'T')
    union select nspname, objtype, r.oid from ${SAVED}, pg_catalog.pg_roles r where nspname is null and rolname = current_user
  loop
    execute (select pg_catalog.format('alter default privileges %s revoke all on %s from %s', ${SCOPE}, ${OBJECTS}, ${GRANTEE})
      from (select d.nspname, d.objtype, d.grantee) x);
  end loop;`;

export const SUSPEND_DEFAULT_PRIVILEGES = `create temp table holdfast_default_privileges on commit drop as
  select n.nspname, d.defaclobjtype as objtype, a.grantee, a.privilege_type, a.is_grantable
  from pg_catalog.pg_default_acl d
  left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
  left join lateral pg_catalog.aclexplode(d.defaclacl) a on true
  where pg_catalog.pg_get_userbyid(d.defaclrole) = current_user
    and (n.oid is null or pg_catalog.has_schema_privilege(n.oid, 'create'));
do $$ declare d record; begin${REVOKE_ALL}
  for d in select distinct objtype from ${SAVED} where nspname is null loop
    execute (select pg_catalog.format('alter default privileges grant all on %s to current_user', ${OBJECTS})
      from (select d.objtype) x);
    if d.objtype = 'f' then alter default privileges grant execute on functions to public; end if;
    if d.objtype = 'T' then alter default privileges grant usage on types to public; end if;
  end loop;
end $$;
`;

export const RESUME_DEFAULT_PRIVILEGES = `do $$ declare d record; begin${REVOKE_ALL}
  for d in select * from ${SAVED} where grantee is not null loop
    execute (select pg_catalog.format('alter default privileges %s grant %s on %s to %s %s', ${SCOPE}, d.privilege_type,
        ${OBJECTS}, ${GRANTEE}, case when d.is_grantable then 'with grant option' end)
      from (select d.nspname, d.objtype, d.grantee) x);
  end loop;
end $$;
drop table ${SAVED};
`;
