import type { HoldfastError } from '../../errors.ts';
import { qualifiedName } from '../../postgres/identifiers.ts';
import type { Check, CheckContext, PlannedTable } from '../contracts.ts';
import { conclude, Findings } from './conclude.ts';
import { extensionRows } from './extension-rows.ts';
import { queryReason, sqlStateOf } from './query-reason.ts';
import { tableLabel } from './table-label.ts';

/** Counting is the server's work; this many tables share one round trip. */
const TABLES_PER_QUERY = 32;

export const rowCountsCheck: Check = {
  name: 'row-counts',
  proves: 'Every restored table has as many rows as the backup has.',
  async run(context) {
    const findings = new Findings();
    const tables = context.plan.tables.filter(({ action }) => action !== 'skip');
    for (const { target } of context.plan.tables.filter(({ action }) => action === 'skip')) {
      findings.notes.push(`${tableLabel(target)} was skipped by the restore: its rows are the target's`);
    }
    const conditions = await extensionRows(context.session);
    for (let at = 0; at < tables.length; at += TABLES_PER_QUERY) {
      await compare(context, tables.slice(at, at + TABLES_PER_QUERY), { conditions, findings });
    }
    const rows = tables.reduce((sum, { table }) => sum + table.rows, 0);
    return conclude(findings, `${tables.length} tables have the backup's ${rows} rows`);
  },
};

interface Comparison {
  readonly conditions: ReadonlyMap<string, string>;
  readonly findings: Findings;
}

/** One table that cannot be counted must not hide the others of its query: then each is counted alone. */
async function compare(context: CheckContext, tables: readonly PlannedTable[], with_: Comparison): Promise<void> {
  try {
    const counts = await count(context, tables, with_.conditions);
    for (const [index, planned] of tables.entries()) judge(planned, counts[index]!, with_.findings);
  } catch (error) {
    if (sqlStateOf(error) === null) throw error;
    if (tables.length === 1) return refuse(tables[0]!, error as HoldfastError, with_.findings);
    for (const planned of tables) await compare(context, [planned], with_);
  }
}

async function count(
  { session }: CheckContext,
  tables: readonly PlannedTable[],
  conditions: ReadonlyMap<string, string>,
): Promise<number[]> {
  const counts = tables.map(
    ({ target }) => `(select count(*) from only ${qualifiedName(target)} ${conditions.get(tableLabel(target)) ?? ''})`,
  );
  const [row] = await session.query(`select ${counts.join(', ')}`);
  return row!.map(Number);
}

function judge({ table, target, action }: PlannedTable, found: number, findings: Findings): void {
  const label = tableLabel(target);
  // The platform's tables, and those merged into, may have had rows of their own.
  const more = table.managed || action === 'merge';
  if (found < table.rows) findings.failed.push(`${label} has ${found} rows, the backup has ${table.rows}`);
  else if (found > table.rows && !more) {
    findings.failed.push(`${label} has ${found} rows, the backup has only ${table.rows}`);
  } else if (found > table.rows) {
    findings.notes.push(`${label} has ${found} rows, ${found - table.rows} more than the backup`);
  }
}

const GONE = new Set(['42P01', '3F000']);

function refuse({ target }: PlannedTable, error: HoldfastError, findings: Findings): void {
  const label = tableLabel(target);
  if (GONE.has(sqlStateOf(error)!)) findings.failed.push(`${label} does not exist`);
  else findings.unclear.push(`${label} could not be counted: ${queryReason(error)}`);
}
