import type { SliceRange } from './catalog-types.ts';

/** A condition on ctid that PostgreSQL turns into a TID range scan; `true` for the whole table. Bounds are numbers, nothing is quoted. */
export function tidCondition(range: SliceRange): string {
  const conditions: string[] = [];
  const from = `(${range.fromBlock},${range.fromTuple ?? 0})`;
  if (from !== '(0,0)') conditions.push(`ctid >= '${from}'::pg_catalog.tid`);
  if (range.toTuple !== undefined && range.toTuple !== null) {
    conditions.push(`ctid < '(${range.fromBlock},${range.toTuple})'::pg_catalog.tid`);
  } else if (range.toBlock !== null) {
    conditions.push(`ctid < '(${range.toBlock},0)'::pg_catalog.tid`);
  }
  return conditions.join(' and ') || 'true';
}
