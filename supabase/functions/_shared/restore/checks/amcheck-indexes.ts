/** Looks into B-trees with the extension amcheck, which is made for it and taken back if the database has none. */
import { quoteIdentifier } from '../../postgres/identifiers.ts';
import type { PgSession } from '../../postgres/session.ts';
import type { Findings } from './conclude.ts';
import { inRollback, inSavepoint } from './in-rollback.ts';
import { queryReason, sqlStateOf } from './query-reason.ts';

/** Below this size every row of the table is looked for in the index too, which reads the whole table. */
const ALL_ROWS_BYTES = 64 * 1024 * 1024;
/** data_corrupted and index_corrupted. */
const CORRUPTED = new Set(['XX001', 'XX002']);

interface Tree {
  readonly oid: string;
  readonly label: string;
  readonly bytes: number;
}

/** Returns how many are sound. What is broken goes to `failed`; why others could not be looked at, to `unclear`. */
export async function amcheckIndexes(session: PgSession, trees: readonly Tree[], findings: Findings): Promise<number> {
  return await inRollback(session, async () => {
    const schema = await provideAmcheck(session, findings);
    if (schema === null) return 0;
    let sound = 0;
    for (const tree of trees) if (await isSound(session, { schema, tree, findings })) sound += 1;
    return sound;
  });
}

/** The schema of amcheck; null when there is none and none can be made. */
async function provideAmcheck(session: PgSession, findings: Findings): Promise<string | null> {
  const [there] = await session.query(`
    select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'amcheck'`);
  if (there) return there[0]!;
  const [available] = await session.query(`select from pg_available_extensions where name = 'amcheck'`);
  if (!available) return missing(findings, 'the server does not have the extension amcheck');
  try {
    await session.query(`savepoint holdfast_amcheck; create schema holdfast_amcheck;
      create extension amcheck with schema holdfast_amcheck`);
    return 'holdfast_amcheck';
  } catch (error) {
    const reason = queryReason(error);
    await session.query('rollback to holdfast_amcheck');
    return missing(findings, reason);
  }
}

function missing(findings: Findings, reason: string): null {
  findings.unclear.push(`all indexes are marked valid or named here, but no B-tree could be looked into: ${reason}`);
  return null;
}

async function isSound(
  session: PgSession,
  { schema, tree, findings }: { schema: string; tree: Tree; findings: Findings },
): Promise<boolean> {
  const check = `${quoteIdentifier(schema)}.bt_index_check(${tree.oid}::oid::regclass, ${tree.bytes < ALL_ROWS_BYTES})`;
  try {
    await inSavepoint(session, () => session.query(`select ${check}`));
    return true;
  } catch (error) {
    // The message is left out of a corruption: it may quote tuples.
    if (CORRUPTED.has(sqlStateOf(error) ?? '')) findings.failed.push(`${tree.label} does not agree with its table`);
    else findings.unclear.push(`${tree.label} could not be looked into: ${queryReason(error)}`);
    return false;
  }
}
