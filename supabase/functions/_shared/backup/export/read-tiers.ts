import { TABLE_TIERS } from '../../domain/table-tiers.ts';
import type { PgSession } from '../../postgres/session.ts';

interface TierTable {
  readonly schema: string;
  readonly name: string;
}

const PRESET: readonly TierTable[] = TABLE_TIERS.flatMap(({ tables }) =>
  tables.map((name) => ({ schema: 'public', name })),
);

/** The critical tables, most important first: as this project says in backup.table_tier, else the preset. */
export async function readTiers(session: PgSession): Promise<readonly TierTable[]> {
  const [row] = await session.query(
    `select pg_catalog.to_regclass('backup.table_tier') is not null
       and pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('backup')::oid, 'usage')
       and pg_catalog.has_table_privilege(pg_catalog.to_regclass('backup.table_tier')::oid, 'select')`,
  );
  if (row?.[0] !== 't') return PRESET;
  const rows = await session.query(
    'select schema_name, table_name from backup.table_tier order by tier, schema_name, table_name',
  );
  return rows.map(([schema, name]) => ({ schema: schema!, name: name! }));
}
