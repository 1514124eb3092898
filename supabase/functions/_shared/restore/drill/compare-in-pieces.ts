/**
 * The content of a table that is too much for one slice: its objects one by one, each in as many slices as it takes, then
 * its blocks range by range. Digests of parts add up to that of the whole (checks/row-digest.ts), so a slice carries no
 * more than two of them on.
 */
import { qualifiedName, quoteLiteral } from '../../postgres/identifiers.ts';
import { conclude, Findings } from '../checks/conclude.ts';
import { type ComparedFormat, digestTable } from '../checks/digest-rows.ts';
import { extensionRows } from '../checks/extension-rows.ts';
import { serverMajors } from '../checks/server-major.ts';
import { tableLabel } from '../checks/table-label.ts';
import type { CheckContext, CheckResult, PlannedTable } from '../contracts.ts';
import { digestSomeRows } from './digest-some-rows.ts';
import { COST, type SliceBudget } from './slice-budget.ts';

/** Where the comparison of one table is. */
export interface Pieces {
  segments: number;
  /** Bytes of the next segment's content that are compared; a row begins there. */
  offset: number;
  blocks: number;
  archived: string;
  restored: string;
}

export const NO_PIECES: Pieces = { segments: 0, offset: 0, blocks: 0, archived: '0:0', restored: '0:0' };

const BLOCK_BYTES = 8192;
/** Cost of one range, about: of long values that are stored outside the table a block stands for megabytes. */
const RANGE_COST = 8_000_000;
/** Rows of an object that a slice takes at least, in cost: most of the slice may have gone into what is passed over. */
const LEAST_COST = 10_000_000;

/** Null when the budget is spent before the table is compared; `pieces` then says how far it came. */
export async function compareInPieces(
  context: CheckContext,
  planned: PlannedTable,
  { pieces, budget }: { pieces: Pieces; budget: SliceBudget },
): Promise<CheckResult | null> {
  const begun = performance.now();
  const format = context.manifest.data_format as ComparedFormat;
  const { segments } = planned.table;
  while (pieces.segments < segments.length) {
    const ahead = COST.openedObject + pieces.offset * COST.skippedByte + LEAST_COST;
    if (budget.isSpent() || !budget.affords(ahead)) return null;
    const { digest, to } = await someArchived(context, { path: segments[pieces.segments]!, format, pieces, budget });
    pieces.archived = sumOf(pieces.archived, digest);
    pieces.offset = to ?? 0;
    if (to !== null) return null;
    pieces.segments += 1;
  }
  const size = await blocksOf(context, planned);
  const { raw_bytes: bytes, rows } = planned.table;
  const blockCost = (bytes * COST.comparedByte + rows * COST.comparedRow) / Math.max(1, size);
  const step = Math.max(1, Math.floor(RANGE_COST / Math.max(1, blockCost)));
  while (pieces.blocks < size) {
    if (budget.isSpent()) return null;
    const condition = await conditionOf(context, planned, { from: pieces.blocks, to: pieces.blocks + step });
    pieces.restored = sumOf(pieces.restored, await digestTable(context.session, planned, { format, condition }));
    pieces.blocks += step;
    budget.spend(step * blockCost);
  }
  return { name: 'content', ...verdictOf(context, planned, pieces), seconds: (performance.now() - begun) / 1000 };
}

async function someArchived(
  { read }: CheckContext,
  { path, format, pieces, budget }: { path: string; format: ComparedFormat; pieces: Pieces; budget: SliceBudget },
) {
  budget.spend(COST.openedObject);
  let done = 0;
  return await digestSomeRows(read(path), {
    format,
    from: pieces.offset,
    onPart({ skippedBytes, bytes, rows }) {
      const cost = bytes * COST.comparedByte + rows * COST.comparedRow;
      budget.spend(skippedBytes * COST.skippedByte + cost);
      done += cost;
      return budget.isSpent() && done >= LEAST_COST ? 'enough' : 'more';
    },
  });
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
