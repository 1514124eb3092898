import type { Sql } from '../../postgres/open-driver.ts';
import { sha256Hex } from '../../stores/sha256.ts';
import type { ExportPlan } from './export-plan.ts';

/**
 * Hex SHA-256 of all that decides which rows and columns leave, and where they stand: categories and tables in their
 * order, paths, rules, and the tables' columns. A state that was begun with another digest means other tables by its
 * indexes. What only an erasure reads is not in it. Throws the driver's errors.
 */
export async function digestPlan(sql: Sql, { categories }: Pick<ExportPlan, 'categories'>): Promise<string> {
  const planned = categories.map(({ name, sources }) => ({
    name,
    sources: sources.map(({ schema, table, paths, readAs, columns }) => ({
      ...{ schema, table, paths, readAs },
      rules: columns.map(({ column, rule, unlessOwn }) => ({ column, rule, unlessOwn })),
    })),
  }));
  const tables = categories.flatMap(({ sources }) => sources);
  const schemas = tables.map(({ schema }) => schema);
  const names = tables.map(({ table }) => table);
  const columns = await sql`
    select n.nspname as schema, c.relname as table, a.attname as column,
      pg_catalog.format_type(a.atttypid, a.atttypmod) as type
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where (n.nspname, c.relname) in (
        select * from rows from (pg_catalog.unnest(${schemas}::text[]), pg_catalog.unnest(${names}::text[])))
      and a.attnum > 0 and not a.attisdropped
    order by n.nspname collate "C", c.relname collate "C", a.attnum`;
  return await sha256Hex(new TextEncoder().encode(JSON.stringify([planned, columns])));
}
