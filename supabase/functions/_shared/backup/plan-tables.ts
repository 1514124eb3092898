import type { BackupRequest } from '../domain/backup-request.ts';
import { chooseTables, isFilterOn, type TableChoice } from '../domain/choose-tables.ts';
import type { Limit } from '../domain/manifest-types.ts';
import { ERRORS } from '../errors.ts';
import type { Catalog, Slice, Table } from '../postgres/catalog-types.ts';
import type { ExcludedName } from '../postgres/dump-schema.ts';
import { planSlices } from '../postgres/plan-slices.ts';
import { sequenceLimits } from './sequence-limits.ts';

export interface TablePlan {
  readonly table: Table;
  readonly slices: Slice[];
  readonly estimatedBytes: number;
}

/**
 * The tables of a request, cut into slices, and what the request cannot have. Pure.
 * Throws TABLE_UNKNOWN and WHERE_INVALID, each with all the problems.
 */
export function planTables(
  catalog: Catalog,
  request: BackupRequest,
  options: { tiers: readonly { schema: string; name: string }[]; sliceBytes: number },
): { plans: TablePlan[]; limits: Limit[]; excludeTables: ExcludedName[] } {
  const choice = chooseTables(catalog.tables, request, options.tiers);
  refuseUnknown(choice);
  if (request.scope === 'critical' && choice.tables.length === 0) {
    throw ERRORS.TABLE_UNKNOWN('none of the critical tables exists', {
      hint: 'Name the tables that are critical here in backup.table_tier.',
    });
  }
  checkFilters(choice.tables, request);
  const plans = choice.tables.map((table) => {
    const slices = hasNoObject(table, request)
      ? []
      : planSlices(table, { blockSize: catalog.blockSize, targetBytes: options.sliceBytes });
    return { table, slices, estimatedBytes: slices.reduce((sum, slice) => sum + slice.estimatedBytes, 0) };
  });
  return {
    plans,
    limits: [...choice.limits, ...sequenceLimits(catalog, choice.tables), ...largeObjects(catalog)],
    excludeTables: excludedNames(catalog),
  };
}

/** The platform's schemas are left out whole. */
function excludedNames({ tables, unreadableSequences, managedSchemas }: Catalog): ExcludedName[] {
  return [
    ...tables.filter((table) => !table.readable && !table.managed).map(({ schema, name }) => ({ schema, name })),
    ...unreadableSequences
      .filter(({ schema }) => !managedSchemas.includes(schema))
      .map(({ schema, name }) => ({ schema, name, onlyData: true })),
  ];
}

function refuseUnknown({ unknown, views }: Pick<TableChoice<Table>, 'unknown' | 'views'>): void {
  const problems = [
    ...(unknown.length > 0 ? [`there is no such table: ${unknown.join(', ')}`] : []),
    ...views.map((view) => `${view} is a materialized view, not a table with rows of its own`),
  ];
  if (problems.length === 0) return;
  throw ERRORS.TABLE_UNKNOWN(problems.join('; '), { details: { tables: [...unknown, ...views] } });
}

/**
 * A file of no bytes holds no row that any snapshot sees, and an object that says so costs a call BYTES_PER_OBJECT:
 * most tables of a young project are like that. The other formats have an object for every table: people read them.
 */
function hasNoObject(table: Table, { format = 'copy' }: BackupRequest): boolean {
  return table.heapBytes === 0 && format === 'copy';
}

function checkFilters(tables: readonly Table[], request: BackupRequest): void {
  const problems = (request.where ?? []).flatMap((filter) => {
    const found = tables.filter((table) => isFilterOn(filter, table));
    if (found.length === 0) return [`${filter.table} is not part of this backup`];
    const missing = found.some((table) => !table.columns.some((column) => column.name === filter.column));
    return missing ? [`${filter.table} has no column ${filter.column}`] : [];
  });
  if (problems.length > 0) throw ERRORS.WHERE_INVALID(problems.join('; '), { details: { problems } });
}

function largeObjects(catalog: Catalog): Limit[] {
  if (catalog.largeObjectCount === 0) return [];
  const message = `${catalog.largeObjectCount} large objects (pg_largeobject) are not taken`;
  return [{ code: 'LARGE_OBJECTS', object: 'pg_largeobject', message }];
}
