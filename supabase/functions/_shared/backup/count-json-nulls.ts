import type { SliceRange, Table } from '../postgres/catalog-types.ts';
import { qualifiedName, quoteIdentifier } from '../postgres/identifiers.ts';
import type { PgSession } from '../postgres/session.ts';
import { tidCondition } from '../postgres/tid-condition.ts';

/** json and jsonb, also under a domain: what the export writes as it is. */
const JSON_TYPES = [114, 3802];

/**
 * The one thing that a JSON export loses: JSON null in a json column reads back as SQL NULL. Counted per column, so
 * that the manifest can say where it happened.
 */
export async function countJsonNulls(
  session: PgSession,
  table: Table,
  { range, where }: { range: SliceRange; where?: string },
): Promise<Record<string, number>> {
  const columns = table.columns.filter(
    (column) => !column.generated && JSON_TYPES.includes(column.baseTypeOid ?? column.typeOid),
  );
  if (columns.length === 0) return {};
  const counts = columns.map(({ name }) => `count(*) filter (where ${quoteIdentifier(name)}::text = 'null')`);
  const conditions = [tidCondition(range), table.configCondition, where]
    .filter(Boolean)
    .map((condition) => `(${condition})`);
  const clause = conditions.length > 0 ? ` where ${conditions.join(' and ')}` : '';
  const [row] = await session.query(`select ${counts.join(', ')} from only ${qualifiedName(table)}${clause}`);
  const found = columns.map(({ name }, index) => [name, Number(row![index])] as const);
  return Object.fromEntries(found.filter(([, count]) => count > 0));
}
