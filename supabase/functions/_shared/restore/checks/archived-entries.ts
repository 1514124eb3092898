/** What the backup's own DDL says must be there after a restore: the headings of its section post-data. */
import { restorable } from '../choose-restored.ts';
import type { CheckContext } from '../contracts.ts';
import { MARKS_SCHEMA } from '../restore-marks.ts';
import { tableLabel } from './table-label.ts';

export interface ArchivedEntry {
  /** As pg_dump writes it: `bookings bookings_pkey` for a constraint. */
  readonly name: string;
  readonly type: string;
  /** Of the target: renamed if the restore renamed it. */
  readonly schema: string;
  readonly sql: string;
}

export interface ArchivedEntries {
  readonly entries: readonly ArchivedEntry[];
  /** True: the whole schema was restored, so that every entry must be in the target. */
  readonly whole: boolean;
  /** Set when the entries say nothing about the target, with the reason; then there are none. */
  readonly missing: string | null;
  /** True: names in the SQL text are the source's, not the target's. */
  readonly renamed: boolean;
}

const HEADING = /^Name: (.*); Type: ([^;]*); Schema: ([^;]*); Owner: .*$/m;
const known = new WeakMap<object, Promise<ArchivedEntries>>();

/** Read once per plan. Throws what reading the archive throws. */
export function archivedEntries(context: CheckContext): Promise<ArchivedEntries> {
  const read = known.get(context.plan) ?? readEntries(context);
  known.set(context.plan, read);
  read.catch(() => known.delete(context.plan));
  return read;
}

async function readEntries(context: CheckContext): Promise<ArchivedEntries> {
  const { manifest, plan } = context;
  const schemas = new Map(plan.tables.map(({ table, target }) => [table.schema, target.schema]));
  const renamed = [...schemas].some(([from, to]) => from !== to);
  const none = (missing: string) => ({ entries: [], whole: false, missing, renamed });
  if (!plan.schemaSections.postData) return none('the restore did not build indexes, constraints and policies');
  const object = manifest.objects.find(({ kind }) => kind === 'post-data');
  if (object === undefined) return none('the backup has no section post-data to compare with');
  const whole = plan.tables.length === restorable(manifest).length;
  const labels = (skipped: boolean) =>
    plan.tables.filter(({ action }) => (action === 'skip') === skipped).map(({ target }) => tableLabel(target));
  const restored = labels(false);
  const skipped = labels(true);
  const entries = parseEntries(await readText(context.read(object.path)))
    .map((entry) => ({ ...entry, schema: schemas.get(entry.schema) ?? entry.schema }))
    .filter(
      (entry) => entry.schema !== MARKS_SCHEMA && (whole || belongs(entry, restored)) && !belongs(entry, skipped),
    );
  return { entries, whole, missing: null, renamed };
}

/** A heading begins with the table's name, except an index's, whose statement has it. */
function belongs(entry: ArchivedEntry, tables: readonly string[]): boolean {
  const { schema, name, type, sql } = entry;
  const indexed = type === 'INDEX' ? /\bINDEX .*? ON (?:ONLY )?(.+?) USING/.exec(sql)?.[1]?.replaceAll('"', '') : null;
  return tables.some((table) =>
    type === 'INDEX'
      ? indexed?.endsWith(table.slice(table.indexOf('.'))) && table.startsWith(`${schema}.`)
      : `${schema}.${name}` === table || `${schema}.${name}`.startsWith(`${table} `),
  );
}

async function readText(source: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of source) text += decoder.decode(bytes, { stream: true });
  return text + decoder.decode();
}

/** Exported for its test. Entries without a heading, such as session settings, are left out. */
export function parseEntries(text: string): ArchivedEntry[] {
  return text.split(/^--\n-- (?=Name: |PostgreSQL database dump complete)/m).flatMap((piece) => {
    const [heading, name, type, schema] = HEADING.exec(piece) ?? [];
    if (heading === undefined || !piece.startsWith(heading)) return [];
    const sql = piece
      .slice(heading.length)
      .replace(/^\n--\n/, '')
      .replace(/(\n\nSET [^\n]*;\s*)+$/, '')
      .trim();
    return [{ name: name!, type: type!, schema: schema!, sql }];
  });
}
