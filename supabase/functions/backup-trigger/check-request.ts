/**
 * Holds a request against the catalogue before anything is started, so that whoever sent it hears of every mistake at
 * once; the plan of the run checks again in its own snapshot.
 */
import type { Sql, TransactionSql } from 'postgres';
import type { BackupRequest, RowFilter } from '../_shared/domain/backup-request.ts';
import { chooseTables, isFilterOn } from '../_shared/domain/choose-tables.ts';
import { ERRORS } from '../_shared/errors.ts';
import type { Table } from '../_shared/postgres/catalog-types.ts';
import { readCurrentCatalog } from './read-current-catalog.ts';
import { tryCondition } from './try-condition.ts';

interface Problem {
  readonly field: string;
  readonly code: 'TABLE_UNKNOWN' | 'WHERE_INVALID';
  readonly rule: string;
}

/** Throws TABLE_UNKNOWN or WHERE_INVALID, whichever is first, with the problems of both kinds. */
export async function checkRequest(sql: Sql, request: BackupRequest): Promise<void> {
  if (request.scope === 'full' && !request.where) return;
  const problems = await sql.begin('read only', async (transaction) => {
    await transaction`set local statement_timeout = '20s'`;
    await transaction`set local search_path = ''`;
    return await findProblems(transaction, request);
  });
  const [first] = problems;
  if (!first) return;
  throw ERRORS[first.code](problems.map(({ field, rule }) => `${field}: ${rule}`).join('; '), {
    details: { problems },
  });
}

async function findProblems(sql: TransactionSql, request: BackupRequest): Promise<Problem[]> {
  const all = (await readCurrentCatalog(sql)).tables;
  const critical = request.scope === 'critical' ? await readCriticalTables(sql) : [];
  const { tables } = chooseTables(all, request, critical);
  const problems = tableProblems(all, request);
  if (request.scope === 'critical' && tables.length === 0) {
    problems.push({
      field: 'scope',
      code: 'TABLE_UNKNOWN',
      rule: 'none of the critical tables in backup.table_tier exists',
    });
  }
  for (const [index, filter] of (request.where ?? []).entries()) {
    const rule = await filterProblem(sql, tables, filter);
    if (rule) problems.push({ field: `where[${index}]`, code: 'WHERE_INVALID', rule });
  }
  return problems;
}

/** A name must mean at least one table that holds rows of its own. */
function tableProblems(all: readonly Table[], request: BackupRequest): Problem[] {
  return (request.tables ?? []).flatMap((table, index) => {
    const meant = all.filter((one) => isFilterOn({ table }, one));
    if (meant.some((one) => one.kind === 'r' || one.kind === 'p')) return [];
    const rule = meant[0]
      ? `${table} is a ${KIND_NAMES[meant[0].kind]}, not a table with rows of its own`
      : `there is no table ${table} that a backup takes`;
    return [{ field: `tables[${index}]`, code: 'TABLE_UNKNOWN' as const, rule }];
  });
}

const KIND_NAMES: Record<Table['kind'], string> = {
  r: 'table',
  p: 'partitioned table',
  f: 'foreign table',
  m: 'materialized view',
};

async function filterProblem(sql: TransactionSql, tables: readonly Table[], filter: RowFilter): Promise<string | null> {
  const found = tables.filter((table) => isFilterOn(filter, table));
  if (found.length === 0) return `${filter.table} is not a table of this backup`;
  const columns = found.map((table) => table.columns.find(({ name }) => name === filter.column));
  if (columns.includes(undefined)) return `${filter.table} has no column '${filter.column}'`;
  for (const typeOid of new Set(columns.map((column) => column!.baseTypeOid ?? column!.typeOid))) {
    const wrong = await tryCondition(sql, { typeOid, operator: filter.operator, value: filter.value });
    if (wrong) return `${filter.column} ${filter.operator}: ${wrong}`;
  }
  return null;
}

async function readCriticalTables(sql: TransactionSql): Promise<{ schema: string; name: string }[]> {
  const rows = await sql`select schema_name, table_name from backup.table_tier`;
  return rows.map((row) => ({ schema: row.schema_name as string, name: row.table_name as string }));
}
