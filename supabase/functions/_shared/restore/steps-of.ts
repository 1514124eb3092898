import type { PlannedTable } from './contracts.ts';
import type { RestoreMarks } from './restore-marks.ts';

/** A step's name in the target's marks: one object of a table that is loaded, or a table as a whole. */
export function stepOf({ table: planned, paths }: { table: PlannedTable; paths: readonly string[] }): string {
  const { table, action } = planned;
  return action === 'load' ? `segment:${paths[0]}` : `table:${table.schema}.${table.name}`;
}

/** What the marks say of a table: the rows that came in, and whether all of its steps are done. */
export function stepsDone(planned: PlannedTable, marks: RestoreMarks): { rows: number; whole: boolean } {
  const { segments } = planned.table;
  const units = planned.action === 'load' ? segments.map((path) => [path]) : [segments];
  const steps = units.map((paths) => stepOf({ table: planned, paths }));
  return {
    rows: steps.reduce((sum, step) => sum + marks.rows(step), 0),
    whole: steps.every((step) => marks.done(step)),
  };
}
