/** What reading a mapped table needs to know of it, asked in the transaction that reads it. */
import type { SubjectSource, SubjectTable } from '../domain/subject-types.ts';
import { ERRORS } from '../errors.ts';
import { quoteLiteral } from '../postgres/identifiers.ts';
import type { PgSession } from '../postgres/session.ts';
import { isSecretColumn } from './secret-columns.ts';

export interface SourceColumn {
  readonly name: string;
  readonly type: string;
}

export interface SourceFacts {
  readonly partitioned: boolean;
  /** All, generated ones too. */
  readonly columns: readonly SourceColumn[];
  /** Columns of a key that orders all rows, best the primary one; empty when the rows' addresses must do. */
  readonly key: readonly string[];
  /** May `authenticated` read the whole table, and does a policy say which of its rows? */
  readonly policies: boolean;
}

interface TableRow {
  readonly kind: 'r' | 'p';
  readonly columns: SourceColumn[] | null;
  readonly key: string[] | null;
  readonly policies: boolean;
}

const WHOLE = `(
  select x.indexrelid
  from pg_catalog.pg_index x
  where x.indrelid = c.oid and x.indisunique and x.indimmediate and x.indisvalid
    and x.indpred is null and x.indexprs is null
    -- Of other types the operators may lie outside pg_catalog, or the text may not lead back to the value.
    and not exists (
      select from pg_catalog.unnest(x.indkey[0 : x.indnkeyatts - 1]) as k (attnum)
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
      join pg_catalog.pg_type t on t.oid = a.atttypid
      where not a.attnotnull or t.typtype not in ('b', 'e')
        or (t.typtype = 'b' and (t.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace or t.typname like 'reg%')))
  order by x.indisprimary desc, x.indnkeyatts, x.indexrelid
  limit 1)`;

const POLICIES = `c.relrowsecurity and exists (
  select from pg_catalog.pg_policy p
  where p.polrelid = c.oid and p.polcmd in ('r', '*') and p.polpermissive
    and exists (
      select from pg_catalog.unnest(p.polroles) as g (oid)
      where g.oid = 0 or pg_catalog.pg_has_role(u.oid, g.oid, 'usage')))`;

/** Throws SUBJECT_SOURCE_INVALID when the table is gone. */
export async function describeSource(session: PgSession, { schema, table }: SubjectTable): Promise<SourceFacts> {
  const [found] = await session.query(`
    select pg_catalog.json_build_object(
      'kind', c.relkind,
      'columns', (
        select pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod)) order by a.attnum)
        from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
      'key', (
        select pg_catalog.json_agg(a.attname order by k.position)
        from pg_catalog.pg_index i,
          pg_catalog.unnest(i.indkey[0 : i.indnkeyatts - 1]) with ordinality as k (attnum, position)
          join pg_catalog.pg_attribute a on a.attnum = k.attnum
        where i.indexrelid = ${WHOLE} and a.attrelid = c.oid),
      'policies', coalesce((
        select pg_catalog.has_schema_privilege(u.oid, n.oid, 'usage')
          and pg_catalog.has_table_privilege(u.oid, c.oid, 'select') and ${POLICIES}
        from pg_catalog.pg_roles u where u.rolname = 'authenticated'), false))
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${quoteLiteral(schema)} and c.relname = ${quoteLiteral(table)} and c.relkind in ('r', 'p')`);
  if (found === undefined) throw ERRORS.SUBJECT_SOURCE_INVALID(`${schema}.${table}: there is no such table`);
  const facts = JSON.parse(found[0]!) as TableRow;
  return {
    partitioned: facts.kind === 'p',
    columns: facts.columns ?? [],
    key: facts.key ?? [],
    policies: facts.policies,
  };
}

/** The columns that leave: no secrets, none that a rule drops in every row. In the table's order. */
export function leavingColumns(source: SubjectSource, columns: readonly SourceColumn[]): SourceColumn[] {
  return columns.filter(({ name, type }) => {
    const rule = source.columns.find(({ column }) => column === name);
    if (rule?.rule === 'drop') return rule.unlessOwn !== null && !isSecretColumn({ ...source, name, type });
    // Only `keep` overrides the list of secrets: a redacted or hashed secret still tells who has one.
    return rule?.rule === 'keep' || !isSecretColumn({ ...source, name, type });
  });
}
