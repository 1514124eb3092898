/** The tables of an export: rows are read once and become JSON and CSV at the same time, so that both say the same. */
import type { SubjectSource } from '../../domain/subject-types.ts';
import { ERRORS } from '../../errors.ts';
import { quoteLiteral } from '../../postgres/identifiers.ts';
import type { PgSession } from '../../postgres/session.ts';
import { describeSource, leavingColumns } from '../describe-source.ts';
import { openSubjectRows, type SubjectBlock } from '../read-subject-rows.ts';
import type { SubjectCursor } from '../subject-cursor.ts';
import { DEFLATED } from '../zip/zip-entry.ts';
import { CSV_BEGIN, csvLine } from './csv-line.ts';
import { type PlannedCategory, tableLabel } from './export-plan.ts';
import type { ExportState, TableCount } from './export-state.ts';
import type { Exporting } from './exporting.ts';

/** Compressed in the table, repeated keys in JSON: the text may be many times as long. */
const LARGE_TABLE_BYTES = 256 * 1024 * 1024;
const PREVIEW_ROWS = 10;
const PREVIEW_COLUMNS = 12;
const PREVIEW_CHARS = 120;
/** Of all tables: the state is stored with every slice. */
const PREVIEW_BYTES = 200_000;

/** Goes on until all tables are written or the budget is over. */
export async function writeRows(exporting: Exporting): Promise<void> {
  const { state, plan, budget } = exporting;
  for (;;) {
    const category = plan.categories[state.category];
    if (category === undefined) break;
    if (budget.over) return;
    await writeCategory(exporting, category);
  }
  if (state.jsonDocument !== null) await exporting.writer.text(state.jsonDocument, '\n}');
  state.phase = 'files';
}

async function writeCategory(exporting: Exporting, category: PlannedCategory): Promise<void> {
  const { state, budget } = exporting;
  if (!state.begunCategory) await beginCategory(exporting, category);
  while (state.table < category.sources.length) {
    if (budget.over) return;
    if (!(await writeTable(exporting, category))) return;
  }
  await endCategory(exporting);
}

async function beginCategory({ state, writer, session }: Exporting, category: PlannedCategory): Promise<void> {
  if (state.jsonDocument !== null) {
    state.jsonEntry = state.jsonDocument;
    await writer.text(state.jsonEntry, `${state.category === 0 ? '' : ','}\n${JSON.stringify(category.name)}: {`);
  } else {
    const large = await isLarge(session, category.sources);
    const facts = { method: DEFLATED, modifiedMs: state.startedMs, large } as const;
    state.jsonEntry = await writer.open({ ...facts, name: `data/${category.name}.json` });
    state.csvEntry = await writer.open({ ...facts, name: `data/${category.name}.csv` });
    await writer.text(state.jsonEntry, '{');
    const names = new Set<string>();
    for (const source of category.sources) {
      const { columns } = await describeSource(session, source);
      for (const { name } of leavingColumns(source, columns)) names.add(name);
    }
    // Rows of several tables in one sheet: the first column says which, and each row fills its own columns.
    state.csvColumns = [...names];
    state.csvNamesTable = category.sources.length > 1;
    const head = state.csvNamesTable ? [freeName('table', names), ...names] : [...names];
    await writer.text(state.csvEntry, CSV_BEGIN + csvLine(head));
  }
  state.begunCategory = true;
}

/** A column may be called so too, and readers go by the names of columns. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  while (taken.has(free)) free += '_';
  return free;
}

async function endCategory({ state, writer }: Exporting): Promise<void> {
  await writer.text(state.jsonEntry!, state.jsonDocument === null ? '\n}\n' : '\n}');
  if (state.jsonDocument === null) {
    await writer.close(state.jsonEntry!);
    await writer.close(state.csvEntry!);
  }
  state.jsonEntry = null;
  state.csvEntry = null;
  state.begunCategory = false;
  state.category += 1;
  state.table = 0;
}

/** False when the budget ended before the table did. */
async function writeTable(exporting: Exporting, category: PlannedCategory): Promise<boolean> {
  const { state, writer, budget, session, plan } = exporting;
  const source = category.sources[state.table]!;
  const after = state.cursor as SubjectCursor | null;
  const { maxRowBytes } = exporting.limits;
  const options = { after, claims: plan.claims, inTransaction: exporting.oneSnapshot, maxRowBytes };
  const rows = await openSubjectRows(session, source, plan.subject, options);
  const count = await beginTable(exporting, { source, columns: rows.columns });
  let stopped = false;
  for await (const block of rows) {
    await writeBlock(exporting, { block, count, columns: rows.columns });
    state.cursor = block.cursor;
    exporting.onProgress?.(state);
    stopped = budget.over;
    if (stopped) break;
  }
  count.hidden += rows.facts.hidden;
  count.readAs = rows.facts.way;
  count.reason = rows.facts.reason;
  if (stopped) return false;
  await writer.text(state.jsonEntry!, count.rows === 0 ? ']' : '\n]');
  state.cursor = null;
  state.begunTable = false;
  state.table += 1;
  return true;
}

async function beginTable(
  { state, writer, session }: Exporting,
  { source, columns }: { source: SubjectSource; columns: readonly string[] },
): Promise<TableCount> {
  if (state.begunTable) return state.tables.at(-1)!;
  const { columns: all } = await describeSource(session, source);
  const count: TableCount = {
    table: tableLabel(source),
    category: source.category,
    rows: 0,
    hidden: 0,
    readAs: 'filter',
    reason: null,
    treated: source.columns
      .filter(({ column, rule }) => rule !== 'keep' && columns.includes(column))
      .map(({ column, rule, unlessOwn }) => ({ column, rule, unless_own: unlessOwn })),
    leftOut: all.map(({ name }) => name).filter((name) => !columns.includes(name)),
    columns: columns.slice(0, PREVIEW_COLUMNS),
    preview: [],
  };
  state.tables.push(count);
  state.begunTable = true;
  await writer.text(state.jsonEntry!, `${state.table === 0 ? '' : ','}\n${JSON.stringify(count.table)}: [`);
  return count;
}

interface BlockFacts {
  readonly block: SubjectBlock;
  readonly count: TableCount;
  readonly columns: readonly string[];
}

async function writeBlock(
  { state, writer, budget, limits }: Exporting,
  { block, count, columns }: BlockFacts,
): Promise<void> {
  const toCsv = state.csvEntry === null ? null : csvWriter(state, columns);
  let chars = 0;
  const json: string[] = [];
  const csv: string[] = [];
  for (const row of block.rows) {
    json.push(`${count.rows === 0 ? '\n' : ',\n'}${row.json}`);
    if (toCsv) csv.push(toCsv(count.table, row.cells));
    chars += row.json.length;
    if (count.rows < PREVIEW_ROWS) addPreview(state, count, row.cells);
    count.rows += 1;
  }
  await writer.text(state.jsonEntry!, json.join(''));
  if (state.csvEntry !== null) await writer.text(state.csvEntry, csv.join(''));
  state.rowCount += block.rows.length;
  state.rawBytes += chars;
  budget.spendRows(chars);
  if (state.rawBytes > limits.maxBytes) {
    throw ERRORS.EXPORT_TOO_LARGE(`an export must have at most ${limits.maxBytes} bytes`);
  }
}

function csvWriter(state: ExportState, columns: readonly string[]) {
  const places = state.csvColumns.map((name) => columns.indexOf(name));
  return (table: string, cells: readonly (string | null)[]) => {
    const fields = places.map((place) => (place === -1 ? null : cells[place]!));
    return csvLine(state.csvNamesTable ? [table, ...fields] : fields);
  };
}

function addPreview(state: ExportState, count: TableCount, cells: readonly (string | null)[]): void {
  const shown = cells.slice(0, PREVIEW_COLUMNS).map((cell) => (cell === null ? null : cutText(cell)));
  const size = shown.reduce((sum, cell) => sum + (cell?.length ?? 0), 0);
  if (state.previewBytes + size > PREVIEW_BYTES) return;
  state.previewBytes += size;
  count.preview.push(shown);
}

/** Never through the middle of a character. */
function cutText(text: string): string {
  if (text.length <= PREVIEW_CHARS) return text;
  return `${text.slice(0, PREVIEW_CHARS).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** A file that could reach 4 GB must say so before its data; readers are happiest with those that do not. */
async function isLarge(session: PgSession, sources: readonly SubjectSource[]): Promise<boolean> {
  const names = sources.map(({ schema, table }) => `(${quoteLiteral(schema)}, ${quoteLiteral(table)})`);
  const [row] = await session.query(`
    select coalesce(pg_catalog.sum(pg_catalog.pg_total_relation_size(coalesce(part.relid, c.oid))), 0)
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join lateral pg_catalog.pg_partition_tree(c.oid) as part on c.relkind = 'p'
    where (n.nspname, c.relname) in (${names.join(', ')}) and c.relkind in ('r', 'p')`);
  return Number(row![0]) > LARGE_TABLE_BYTES;
}
