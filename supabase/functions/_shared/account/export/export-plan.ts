import type { Subject } from '../../domain/subject.ts';
import type { SubjectSource } from '../../domain/subject-types.ts';
import { ERRORS } from '../../errors.ts';
import { quoteIdentifier } from '../../postgres/identifiers.ts';
import type { Sql } from '../../postgres/open-driver.ts';
import { readSubjectSources } from '../read-sources.ts';
import { readSubject } from '../read-subject.ts';

export interface PlannedCategory {
  readonly name: string;
  readonly title: string;
  /** At least one. */
  readonly sources: readonly SubjectSource[];
}

export interface ExportPlan {
  readonly subject: Subject;
  readonly claims: Readonly<Record<string, unknown>>;
  /** In their order; categories without a table are left out. */
  readonly categories: readonly PlannedCategory[];
}

/** Whose data, and which tables. Throws SUBJECT_UNKNOWN, SUBJECT_SOURCE_INVALID and the driver's errors. */
export async function planExport(sql: Sql, userId: string): Promise<ExportPlan> {
  const known = await readSubject(sql, userId);
  if (known === null) throw ERRORS.SUBJECT_UNKNOWN(`there is no user '${userId}'`);
  const { sources, categories } = await readSubjectSources(sql);
  const planned = categories.map(({ name, title }) => ({
    name,
    title,
    sources: sources.filter(({ category }) => category === name),
  }));
  return { ...known, categories: planned.filter((category) => category.sources.length > 0) };
}

/** Two tables never have the same: names that hold a dot or begin with a quote are quoted as in SQL. */
export function tableLabel({ schema, table }: { schema: string; table: string }): string {
  return [schema, table].map((name) => (/^"|\./.test(name) ? quoteIdentifier(name) : name)).join('.');
}
