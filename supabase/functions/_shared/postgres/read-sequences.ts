import type { PgSession } from './session.ts';

interface QualifiedName {
  readonly schema: string;
  readonly name: string;
}

export interface Sequence extends QualifiedName {
  /** The table to whose column it belongs; it goes with that table. */
  readonly owner: QualifiedName | null;
  /** May the current role read it? null: it was dropped since the snapshot. */
  readonly readable: boolean | null;
}

/** The privilege is asked for in a CASE: of anything but a sequence it is an error, whatever the plan looks at first. */
const SEQUENCES = `
  select n.nspname as schema, c.relname as name,
    case when t.name is null then null else json_build_object('schema', t.schema, 'name', t.name) end as owner,
    has_schema_privilege(n.oid, 'usage')
      and case when c.relkind = 'S' then has_sequence_privilege(c.oid, 'select') end as readable
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  left join lateral (
    select tn.nspname as schema, tc.relname as name
    from pg_depend d join pg_class tc on tc.oid = d.refobjid join pg_namespace tn on tn.oid = tc.relnamespace
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass
      and d.refobjsubid > 0 and d.deptype in ('a', 'i')
    limit 1
  ) t on true
  where c.relkind = 'S' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (
      select from pg_depend d
      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`;

/** In the order of their names, without those of extensions and temporary ones; `unreadable`: only what the role may not read. */
export async function readSequences(session: PgSession, { unreadable = false } = {}): Promise<Sequence[]> {
  const [row] = await session.query(
    `select coalesce(json_agg(to_json(s) order by s.schema collate "C", s.name collate "C"), '[]')
     from (${SEQUENCES}) s${unreadable ? ' where s.readable is false' : ''}`,
  );
  return JSON.parse(row![0]!) as Sequence[];
}
