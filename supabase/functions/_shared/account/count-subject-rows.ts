/** How much of a user's data there is, counted no further than it matters: small exports are made at once, large ones by a job. */
import type { Subject } from '../domain/subject.ts';
import type { SubjectSource, SubjectTable } from '../domain/subject-types.ts';
import { HoldfastError } from '../errors.ts';
import { qualifiedName } from '../postgres/identifiers.ts';
import type { PgSession } from '../postgres/session.ts';
import { subjectFilter } from '../postgres/subject-filter.ts';
import { describeSource, leavingColumns } from './describe-source.ts';
import { rowBytes } from './row-size.ts';

export interface CountLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
  /** Of one table's count. */
  readonly statementTimeoutMs: number;
}

export interface SubjectCount extends SubjectTable {
  /** By the filter; policies may hide some of them. */
  readonly rows: number;
  /** Of their text, about; names of columns, which JSON repeats, not counted. */
  readonly bytes: number;
}

export interface SubjectCounts {
  readonly sources: readonly SubjectCount[];
  readonly rows: number;
  readonly bytes: number;
  /** False when a limit was passed or a count took too long: there is at least this much. */
  readonly complete: boolean;
}

const QUERY_CANCELED = '57014';

/** Ends soon after a limit is passed. The session must be in no transaction. Throws what openSubjectRows() throws. */
export async function countSubjectRows(
  session: PgSession,
  { sources, subject, limits }: { sources: readonly SubjectSource[]; subject: Subject; limits: CountLimits },
): Promise<SubjectCounts> {
  const counted: SubjectCount[] = [];
  const sums = { rows: 0, bytes: 0 };
  const result = (complete: boolean) => ({ sources: counted, ...sums, complete });
  for (const source of sources) {
    const count = await countSource(session, { source, subject, limits, left: limits.maxRows - sums.rows });
    if (count === null) return result(false);
    counted.push({ schema: source.schema, table: source.table, ...count });
    sums.rows += count.rows;
    sums.bytes += count.bytes;
    if (sums.rows > limits.maxRows || sums.bytes > limits.maxBytes) return result(false);
  }
  return result(true);
}

interface Counting {
  readonly source: SubjectSource;
  readonly subject: Subject;
  readonly limits: CountLimits;
  /** Rows until the limit. */
  readonly left: number;
}

async function countSource(session: PgSession, { source, subject, limits, left }: Counting) {
  await session.query(
    `begin read only; set local statement_timeout = ${Math.max(1, Math.ceil(limits.statementTimeoutMs))}`,
  );
  try {
    const facts = await describeSource(session, source);
    const size = rowBytes(leavingColumns(source, facts.columns), 't');
    const from = `${facts.partitioned ? '' : 'only '}${qualifiedName({ schema: source.schema, name: source.table })}`;
    const [row] = await session.query(`
      select pg_catalog.count(*), coalesce(pg_catalog.sum(bytes), 0)
      from (
        select ${size} as bytes from ${from} as t
        where ${subjectFilter(source.paths, 't', subject)} limit ${Math.max(0, left) + 1}) as s`);
    await session.query('commit');
    return { rows: Number(row![0]), bytes: Number(row![1]) };
  } catch (error) {
    await session.query('rollback');
    if (error instanceof HoldfastError && error.details.sqlState === QUERY_CANCELED) return null;
    throw error;
  }
}
