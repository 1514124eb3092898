/**
 * The content of a table that is too much for one slice: its objects one by one, then its blocks range by range. Digests
 * of parts add up to that of the whole (checks/row-digest.ts), so a slice carries no more than two of them on.
 */
import { qualifiedName, quoteLiteral } from '../../postgres/identifiers.ts';
import { conclude, Findings } from '../checks/conclude.ts';
import { type ComparedFormat, digestArchived, digestTable } from '../checks/digest-rows.ts';
import { extensionRows } from '../checks/extension-rows.ts';
import { serverMajors } from '../checks/server-major.ts';
import { tableLabel } from '../checks/table-label.ts';
import type { CheckContext, CheckResult, PlannedTable } from '../contracts.ts';
import { COST, type SliceBudget } from './slice-budget.ts';

/** Where the comparison of one table is. */
export interface Pieces {
  segments: number;
  blocks: number;
  archived: string;
  restored: string;
}

export const NO_PIECES: Pieces = { segments: 0, blocks: 0, archived: '0:0', restored: '0:0' };

const BLOCK_BYTES = 8192;
/** Raw bytes of rows in one range, about: of long values that are stored outside the table a block stands for megabytes. */
const RANGE_BYTES = 2 * 1024 * 1024;

/** Null when the budget is spent before the table is compared; `pieces` then says how far it came. */
export async function compareInPieces(
  context: CheckContext,
  planned: PlannedTable,
  { pieces, budget }: { pieces: Pieces; budget: SliceBudget },
): Promise<CheckResult | null> {
  const begun = performance.now();
  const format = context.manifest.data_format as ComparedFormat;
  const { segments } = planned.table;
  const bytes = planned.table.raw_bytes / Math.max(1, segments.length);
  const segmentCost = COST.openedObject + (bytes * COST.comparedByte) / 2;
  while (pieces.segments < segments.length) {
    if (budget.isSpent() || !budget.affords(segmentCost)) return null;
    const part = { ...planned, table: { ...planned.table, segments: [segments[pieces.segments]!] } };
    pieces.archived = sumOf(pieces.archived, await digestArchived(context, part, format));
    pieces.segments += 1;
    budget.spend(segmentCost);
  }
  const size = await blocksOf(context, planned);
  const blockBytes = Math.max(1, planned.table.raw_bytes / Math.max(1, size));
  const step = Math.max(1, Math.floor(RANGE_BYTES / blockBytes));
  while (pieces.blocks < size) {
    if (budget.isSpent()) return null;
    const condition = await conditionOf(context, planned, { from: pieces.blocks, to: pieces.blocks + step });
    pieces.restored = sumOf(pieces.restored, await digestTable(context.session, planned, { format, condition }));
    pieces.blocks += step;
    budget.spend((step * blockBytes * COST.comparedByte) / 2);
  }
  return { name: 'content', ...verdictOf(context, planned, pieces), seconds: (performance.now() - begun) / 1000 };
}

function verdictOf(context: CheckContext, planned: PlannedTable, { archived, restored }: Pieces) {
  const label = tableLabel(planned.target);
  const findings = new Findings();
  const [expected, found] = [archived, restored].map((digest) => digest.split(':')[0]);
  const sameRows = `${found} rows as there, with other values`;
  if (archived !== restored && expected === found && serverMajors(context).differ) {
    const { source, target } = serverMajors(context);
    findings.unclear.push(`${label}: ${sameRows}, which PostgreSQL ${target} may only write otherwise than ${source}`);
  } else if (archived !== restored) {
    const what = expected === found ? sameRows : `${found} rows for ${expected}`;
    findings.failed.push(`${label} differs from the backup: ${what}`);
  }
  return conclude(findings, `${label} has exactly the backup's rows`);
}

async function blocksOf({ session }: CheckContext, { target }: PlannedTable): Promise<number> {
  const [row] = await session.query(`select pg_relation_size(${quoteLiteral(qualifiedName(target))}::regclass)`);
  return Math.ceil(Number(row![0]) / BLOCK_BYTES);
}

async function conditionOf(
  context: CheckContext,
  { target }: PlannedTable,
  { from, to }: { from: number; to: number },
): Promise<string> {
  const range = `ctid >= '(${from},0)'::tid and ctid < '(${to},0)'::tid`;
  const own = (await extensionRows(context.session)).get(tableLabel(target));
  return own ? `${own} and ${range}` : `where ${range}`;
}

/** `<rows>:<hex>` of both together. */
export function sumOf(one: string, other: string): string {
  const [rows, hash] = one.split(':') as [string, string];
  const [moreRows, moreHash] = other.split(':') as [string, string];
  const sum = BigInt.asUintN(128, BigInt(`0x${hash}`) + BigInt(`0x${moreHash}`));
  return `${Number(rows) + Number(moreRows)}:${sum.toString(16).padStart(32, '0')}`;
}
