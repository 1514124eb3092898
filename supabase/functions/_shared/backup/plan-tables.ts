import type { BackupRequest } from '../domain/backup-request.ts';
import { chooseTables, isFilterOn } from '../domain/choose-tables.ts';
import type { Limit } from '../domain/manifest-types.ts';
import { ERRORS } from '../errors.ts';
import type { Catalog, Slice, Table } from '../postgres/catalog-types.ts';
import { planSlices } from '../postgres/plan-slices.ts';

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
): { plans: TablePlan[]; limits: Limit[]; excludeTables: { schema: string; name: string }[] } {
  const choice = chooseTables(catalog.tables, request, options.tiers);
  if (choice.unknown.length > 0) {
    throw ERRORS.TABLE_UNKNOWN(`there is no such table: ${choice.unknown.join(', ')}`, {
      details: { tables: choice.unknown },
    });
  }
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
    limits: [...choice.limits, ...largeObjects(catalog)],
    excludeTables: catalog.tables.filter((table) => !table.readable && !table.managed),
  };
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
