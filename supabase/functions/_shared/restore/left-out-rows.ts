/** Rows of the platform's tables that a restore could not bring in, kept in the marks until it ends. Pure. */
import { countWords } from '../domain/count-words.ts';
import type { PlannedTable } from './contracts.ts';
import type { RowsWritten } from './load-rows.ts';
import type { RestoreMarks } from './restore-marks.ts';
import { stepOf } from './steps-of.ts';

/** `referred`: foreign keys lead to the table, so that other rows may refer to those which are missing. */
export type LeftOutKind = 'referred' | 'alone';

const KINDS: readonly LeftOutKind[] = ['referred', 'alone'];

function leftOutStep({ table }: PlannedTable, kind: LeftOutKind): string {
  return `left-out-${kind}:${table.schema}.${table.name}`;
}

/** By the marks; of both kinds unless one is named. */
export function leftOutRows(planned: PlannedTable, marks: RestoreMarks, kinds = KINDS): number {
  return kinds.reduce((sum, kind) => sum + marks.rows(leftOutStep(planned, kind)), 0);
}

/** The marks of a step that was done, with their rows. A merge that left rows out is done again when the restore goes on. */
export function stepsWritten(
  unit: { readonly table: PlannedTable; readonly paths: readonly string[] },
  { rows, leftOut }: RowsWritten,
  marks: RestoreMarks,
): [step: string, rows: number][] {
  const step = stepOf(unit);
  const left = KINDS.map((kind): [string, number] => [leftOutStep(unit.table, kind), leftOut[kind] ?? 0]);
  return [[step, marks.rows(step) + rows], ...left.filter(([name, count]) => count > 0 || marks.done(name))];
}

/** What was left out of a table: one sentence, or nothing. */
export function leftOutWords(planned: PlannedTable, marks: RestoreMarks, kinds = KINDS): string[] {
  const leftOut = leftOutRows(planned, marks, kinds);
  if (leftOut === 0) return [];
  const { schema, name } = planned.table;
  const rows = leftOut === 1 ? '1 row of the backup is' : `${countWords(leftOut, 'row')} of the backup are`;
  return [`${schema}.${name}: ${rows} not in, because the target has others with the same unique values`];
}

/** The same with what to do about it, for people. */
export function leftOutAdvice(planned: PlannedTable, marks: RestoreMarks): string[] {
  const { schema, name } = planned.table;
  const danger = leftOutRows(planned, marks, ['referred']) > 0 ? '; what refers to them refers to nothing' : '';
  return leftOutWords(planned, marks).map(
    (words) =>
      `${words}${danger}. To have them, delete the target's own rows or change those values; then run the same command again or, where the restore came to its end, restore with --tables ${schema}.${name} --data-only`,
  );
}
