import { HoldfastError } from '../../errors.ts';
import { SESSION_SETTINGS } from '../../postgres/open-session.ts';
import type { Check, CheckContext, PlannedTable } from '../contracts.ts';
import { conclude, Findings } from './conclude.ts';
import { type ComparedFormat, digestArchived, digestReloaded, digestTable } from './digest-rows.ts';
import { extensionRows } from './extension-rows.ts';
import { isStoreSilent, queryReason, sqlStateOf } from './query-reason.ts';
import { serverMajors } from './server-major.ts';
import { tableLabel } from './table-label.ts';

/** Raw bytes of a table up to which a drill compares its content, unless it is asked for more. */
const DEFAULT_LIMIT_BYTES = 256 * 1024 * 1024;

export const contentCheck: Check = {
  name: 'content',
  proves: "Every restored table has exactly the backup's rows, compared by a digest of their text.",
  async run(context) {
    const findings = new Findings();
    const { data_format: format } = context.manifest;
    if (format !== 'copy' && format !== 'csv') {
      findings.unclear.push(`rows stored as ${format} are not compared: their text is not the text that COPY writes`);
      return conclude(findings, '');
    }
    await applySettings(context);
    const conditions = await extensionRows(context.session);
    const tables = context.plan.tables.filter(({ action }) => action !== 'skip');
    let equal = 0;
    for (const planned of tables) {
      const same = await compareTable(context, planned, { format, conditions, findings });
      if (same) equal += 1;
    }
    if (equal < tables.length) findings.notes.push(`${equal} of ${tables.length} tables are equal`);
    return conclude(findings, `${tables.length} tables have exactly the backup's rows`);
  },
};

/** The text of values hangs on these; another check, or the restore, may have changed them. */
async function applySettings({ session }: CheckContext): Promise<void> {
  const settings = Object.entries(SESSION_SETTINGS).map(([name, value]) => `set ${name} = '${value}'`);
  await session.query(settings.join('; '));
}

interface Comparison {
  readonly format: ComparedFormat;
  readonly conditions: ReadonlyMap<string, string>;
  readonly findings: Findings;
}

/** No such schema, table or column. */
const LACKS_SOMETHING = new Set(['3F000', '42P01', '42703']);

async function compareTable(context: CheckContext, planned: PlannedTable, by: Comparison): Promise<boolean> {
  const label = tableLabel(planned.target);
  const reason = notComparable(context, planned);
  if (reason !== null) {
    by.findings.unclear.push(`${label}: ${reason}`);
    return false;
  }
  const options = { format: by.format, condition: by.conditions.get(label) };
  // Both run to their end: the connection must not be left in the middle of a copy.
  const [archived, restored] = await Promise.allSettled([
    digestArchived(context, planned, by.format),
    digestTable(context.session, planned, options),
  ]);
  if (restored.status === 'rejected') {
    const reason = queryReason(restored.reason);
    if (LACKS_SOMETHING.has(sqlStateOf(restored.reason)!))
      by.findings.failed.push(`${label} does not have the backup's rows: ${reason}`);
    else by.findings.unclear.push(`${label} could not be read: ${reason}`);
  } else if (archived.status === 'rejected') {
    const reason = archiveReason(archived.reason);
    const found = reason.isDamage ? by.findings.failed : by.findings.unclear;
    found.push(`${label}: its rows in the backup could not be read: ${reason.message}`);
  } else if (archived.value === restored.value) {
    return true;
  } else {
    await judge(context, planned, { ...by, archived: archived.value, restored: restored.value });
  }
  return false;
}

function notComparable({ contentLimitBytes }: CheckContext, { table, columns }: PlannedTable): string | null {
  const limit = contentLimitBytes === undefined ? DEFAULT_LIMIT_BYTES : contentLimitBytes;
  if (limit !== null && table.raw_bytes > limit) {
    return `too large for this drill: ${table.raw_bytes} bytes, the limit is ${limit}`;
  }
  const left = table.columns.filter((column) => !columns.includes(column));
  return left.length > 0 ? `the target lacks its columns ${left.join(', ')}` : null;
}

async function judge(
  context: CheckContext,
  planned: PlannedTable,
  by: Comparison & { archived: string; restored: string },
): Promise<void> {
  const label = tableLabel(planned.target);
  const [expected, found] = [by.archived, by.restored].map((digest) => digest.split(':')[0]);
  if (planned.table.managed || planned.action === 'merge') {
    by.findings.unclear.push(
      `${label} was merged with rows that the target had: ${found} rows, the backup has ${expected}`,
    );
  } else if (expected !== found) {
    by.findings.failed.push(`${label} differs from the backup: ${found} rows for ${expected}`);
  } else if (await differsByVersionOnly(context, planned, by)) {
    const { source, target } = serverMajors(context);
    by.findings.notes.push(
      `${label} has the backup's values; PostgreSQL ${target} writes them otherwise than ${source}`,
    );
  } else {
    by.findings.failed.push(`${label} differs from the backup: ${found} rows as there, with other values`);
  }
}

async function differsByVersionOnly(
  context: CheckContext,
  planned: PlannedTable,
  { format, restored }: { format: ComparedFormat; restored: string },
): Promise<boolean> {
  if (format !== 'copy' || !serverMajors(context).differ) return false;
  try {
    return (await digestReloaded(context, planned)) === restored;
  } catch (error) {
    // Rows that cannot be loaded again are not the rows of the table.
    if (sqlStateOf(error) === null) throw error;
    return false;
  }
}

/** A store that does not answer is no finding: it is thrown on. */
function archiveReason(error: unknown): { message: string; isDamage: boolean } {
  if (!(error instanceof HoldfastError) || isStoreSilent(error)) throw error;
  return { message: error.message, isDamage: error.code === 'ARCHIVE_DAMAGED' };
}
