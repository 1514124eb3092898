import type { Subject } from '../../domain/subject.ts';
import type { Sql } from '../../postgres/open-driver.ts';
import type { PgSession } from '../../postgres/session.ts';
import { countSubjectRows } from '../count-subject-rows.ts';
import { listSubjectFiles } from '../list-subject-files.ts';
import type { ExportPlan } from './export-plan.ts';
import type { ExportSettings } from './export-settings.ts';

/** Of all counts together; an account that takes longer to count is no small one. */
const COUNT_MS = 20_000;
/** One table's share: a path without an index must not use up a user's patience. */
const TABLE_MS = 5_000;

export interface SmallCheck {
  readonly sql: Sql;
  readonly session: PgSession;
  readonly plan: ExportPlan;
  readonly settings: ExportSettings;
}

/** Can everything of the user be sent within one call? Counts no further than it must. */
export async function isSmall({ sql, session, plan, settings }: SmallCheck): Promise<boolean> {
  const until = performance.now() + COUNT_MS;
  const fileBytes = await countFiles(sql, plan.subject, settings);
  if (fileBytes === null) return false;
  let rows = 0;
  let bytes = fileBytes;
  for (const source of plan.categories.flatMap(({ sources }) => sources)) {
    const left = until - performance.now();
    if (left <= 0) return false;
    const limits = {
      maxRows: settings.streamRows - rows,
      maxBytes: settings.streamBytes - bytes,
      statementTimeoutMs: Math.min(left, TABLE_MS),
    };
    const counted = await countSubjectRows(session, { sources: [source], subject: plan.subject, limits });
    if (!counted.complete) return false;
    rows += counted.rows;
    bytes += counted.bytes;
  }
  return true;
}

/** null: too many, too large, or of unknown size. */
async function countFiles(sql: Sql, subject: Subject, settings: ExportSettings): Promise<number | null> {
  const files = await listSubjectFiles(sql, subject, { limit: settings.streamFiles + 1 });
  if (files.length > settings.streamFiles || files.some(({ sizeBytes }) => sizeBytes === null)) return null;
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes!, 0);
  return bytes > settings.streamBytes ? null : bytes;
}
