import type { PgSession } from '../../postgres/session.ts';

/**
 * By `schema.table`: the condition that makes rows of an extension's configuration table the user's, as in
 * `where srid > 10000`. Only such rows are in a backup; the extension itself brings the others.
 */
export async function extensionRows(session: PgSession): Promise<ReadonlyMap<string, string>> {
  const rows = await session.query(`
    select n.nspname || '.' || c.relname, x.condition
    from pg_extension e
    cross join lateral unnest(e.extconfig, e.extcondition) as x (relation, condition)
    join pg_class c on c.oid = x.relation
    join pg_namespace n on n.oid = c.relnamespace
    where x.condition <> ''`);
  return new Map(rows.map(([table, condition]) => [table!, condition!]));
}
