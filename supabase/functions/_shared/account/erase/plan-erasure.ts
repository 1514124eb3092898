/** Makes the plan of an erasure: looks at everything, changes nothing. */
import type { Sql } from 'postgres';
import type { ErasedTable } from '../../domain/erasure-entry.ts';
import { type Subject, subjectsOf } from '../../domain/subject.ts';
import { ERRORS } from '../../errors.ts';
import { type EraseCatalog, nameOf, readEraseCatalog } from '../../postgres/erase-catalog.ts';
import { EraseSets } from '../../postgres/erase-sets.ts';
import type { Sql as DriverSql } from '../../postgres/open-driver.ts';
import { type TextQuery, textQuery } from '../../postgres/text-query.ts';
import { readSubjectSources } from '../read-sources.ts';
import { readSubject } from '../read-subject.ts';
import { beginErasing } from './begin-erasing.ts';
import { erasedTables } from './erased-tables.ts';
import { type PlannedErasure, planDigest, plannedErasure } from './erasure-plan.ts';
import { countFiles, readFolderBuckets } from './subject-file-rows.ts';

export interface DecidedErasure {
  readonly subject: Subject;
  readonly actions: readonly ErasedTable[];
  readonly catalog: EraseCatalog;
  readonly folderBuckets: readonly string[];
  /** See planDigest(). */
  readonly sha256: string;
}

/**
 * What would be done, without counting. A person whose account is gone is known by the id alone. Throws
 * SUBJECT_SOURCE_INVALID, ERASURE_BLOCKED, DATABASE_*.
 */
export async function decideErasure(sql: Sql, subjectId: string): Promise<DecidedErasure> {
  // SAFETY: the driver's own type, with bigint as a number, which none of these use.
  const driver = sql as unknown as DriverSql;
  const known = await readSubject(driver, subjectId);
  const { sources } = await readSubjectSources(driver);
  const catalog = await readEraseCatalog(textQuery(sql));
  const until = await readKeepUntil(
    sql,
    sources.map(({ keepFor }) => keepFor),
  );
  const actions = erasedTables(sources, { catalog, keepUntil: ({ keepFor }) => until.get(keepFor ?? '')! });
  const folderBuckets = await readFolderBuckets(sql);
  const sha256 = planDigest(actions, { catalog, folderBuckets });
  return {
    subject: known?.subject ?? { id: subjectId.toLowerCase(), email: null, phone: null },
    actions,
    catalog,
    folderBuckets,
    sha256,
  };
}

/**
 * The same with rows, files, side effects and what stands in the way. Throws SUBJECT_UNKNOWN too when there is neither an
 * account nor anything else of this id, unless `begun`: then whatever is gone meanwhile still belongs into the ledger.
 */
export async function planErasure(
  sql: Sql,
  subjectId: string,
  { begun = false }: { begun?: boolean } = {},
): Promise<{ decided: DecidedErasure; plan: PlannedErasure }> {
  const decided = await decideErasure(sql, subjectId);
  const files = await countFiles(sql, decided.subject);
  let plan: PlannedErasure | null = null;
  // Locks and notes go with the transaction.
  await sql
    .begin(async (transaction) => {
      const query = textQuery(transaction);
      await beginErasing(query);
      plan = await look(query, decided, files);
      throw new Looked();
    })
    .catch((error: unknown) => {
      if (!(error instanceof Looked)) throw error;
    });
  const looked: PlannedErasure = plan!;
  if (!begun && looked.files.count === 0 && looked.tables.every(({ rows }) => rows === 0))
    throw ERRORS.SUBJECT_UNKNOWN('there is no such user, and nothing of one');
  return { decided, plan: looked };
}

class Looked extends Error {}

async function look(
  query: TextQuery,
  { actions, subject, catalog }: DecidedErasure,
  files: PlannedErasure['files'],
): Promise<PlannedErasure> {
  const sets = new EraseSets(query, catalog, { lock: false });
  const rows = new Map<string, number>();
  for (const table of actions) rows.set(nameOf(table), await sets.mark(table, subjectsOf(subject)));
  return plannedErasure({ actions, rows, effects: await sets.findEffects(), files });
}

async function readKeepUntil(sql: Sql, durations: readonly (string | null)[]): Promise<Map<string, string>> {
  const wanted = [...new Set(durations.filter((one): one is string => one !== null))];
  if (wanted.length === 0) return new Map();
  const rows = await sql`
    select d as duration, (pg_catalog.now() + d::interval)::timestamptz as until from pg_catalog.unnest(${wanted}::text[]) as d`;
  return new Map(rows.map(({ duration, until }) => [duration as string, (until as Date).toISOString()]));
}
