import pc from 'picocolors';
import { displayName } from '../../supabase/functions/_shared/archive/display-name.ts';
import { countWords } from '../../supabase/functions/_shared/domain/count-words.ts';
import type { PlannedTable, RestorePlan } from '../../supabase/functions/_shared/restore/contracts.ts';
import { momentWords, spanWords } from '../../supabase/functions/_shared/restore/report-words.ts';
import { plainTable } from './plain-table.ts';
import { sizeWords } from './size-words.ts';

export interface PlanView {
  readonly plan: RestorePlan;
  /** Where the backup is and where it would go, without secrets. */
  readonly location: string;
  readonly target: string;
  /** Tables of the target that stand in the way; then the restore would be refused. */
  readonly conflicts: readonly string[];
}

const TABLES_SHOWN = 60;
const ACTION_WORDS: Readonly<Record<PlannedTable['action'], string>> = {
  load: 'create and load',
  skip: 'skip',
  replace: 'replace',
  merge: 'add rows',
};

/** The plan as a person reads it, line by line. */
export function restorePlanText({ plan, location, target, conflicts }: PlanView): string[] {
  const { totals } = plan;
  return [
    `Nothing was restored (--dry-run). ${plan.backupId} shows ${momentWords(plan.takenAt)}`,
    `from ${displayName(location)}`,
    `into ${displayName(target)}`,
    '',
    ...sectionLines(plan),
    ...phaseLines(plan),
    ...tableLines(plan, new Set(conflicts)),
    `${countWords(totals.tables, 'table')}, ${countWords(totals.rows, 'row')}, ${sizeWords(totals.rawBytes)} (${sizeWords(totals.storedBytes)} stored)`,
    `Expected time: about ${spanWords(plan.expectedSeconds * 1000)}, a guess from measured restores`,
    ...listLines('Notes:', plan.notes),
    ...conflictLines(conflicts),
  ];
}

function sectionLines({ schemaSections: { preData, sequences, postData }, totals }: RestorePlan): string[] {
  const steps = [
    ...(preData ? ['schemas, types, tables and functions'] : []),
    ...(totals.tables > 0 ? ['rows'] : []),
    ...(sequences ? ['sequences'] : []),
    ...(postData ? ['indexes, constraints, triggers and policies'] : []),
  ];
  return steps.length === 0 ? [] : [`Order: ${steps.join(', then ')}, then checks`, ''];
}

function phaseLines({ phases }: RestorePlan): string[] {
  if (phases.length === 0) return [];
  const table = plainTable(
    ['phase', 'tables', 'rows', 'size', 'promised', 'then'],
    ['left', 'right', 'right', 'right', 'left', 'left'],
  );
  for (const { phase, name, tables, rows, rawBytes, withinMinutes, validate } of phases) {
    const promised = withinMinutes === null ? '' : `${withinMinutes} min`;
    const numbers = [tables.toLocaleString('en-US'), rows.toLocaleString('en-US'), sizeWords(rawBytes)];
    table.push([`${phase} ${name}`, ...numbers, promised, validate]);
  }
  return [table.toString(), ''];
}

function tableLines({ tables }: RestorePlan, conflicts: ReadonlySet<string>): string[] {
  if (tables.length === 0) return [];
  const view = plainTable(
    ['table', 'phase', 'what happens', 'rows', 'size'],
    ['left', 'right', 'left', 'right', 'right'],
  );
  // What stands in the way is shown before all else when not all fits.
  const shown = [...tables]
    .sort((one, other) => Number(conflicts.has(nameOf(other))) - Number(conflicts.has(nameOf(one))))
    .slice(0, TABLES_SHOWN);
  for (const planned of tables.filter((one) => shown.includes(one))) {
    const { table, phase } = planned;
    const numbers = [table.rows.toLocaleString('en-US'), sizeWords(table.raw_bytes)];
    view.push([placeWords(planned), String(phase), whatHappens(planned, conflicts), ...numbers]);
  }
  const rest = tables.length - shown.length;
  return [view.toString(), ...(rest > 0 ? [`and ${countWords(rest, 'more table')}; --json lists all`] : []), ''];
}

function whatHappens(planned: PlannedTable, conflicts: ReadonlySet<string>): string {
  return conflicts.has(nameOf(planned)) ? 'in the way' : ACTION_WORDS[planned.action];
}

function placeWords({ table, target }: PlannedTable): string {
  const from = displayName(`${table.schema}.${table.name}`);
  const moved = table.schema !== target.schema || table.name !== target.name;
  return moved ? `${from} → ${displayName(`${target.schema}.${target.name}`)}` : from;
}

/** `schema.table` in the target, as conflicts are named. */
function nameOf({ target }: PlannedTable): string {
  return `${target.schema}.${target.name}`;
}

function listLines(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((text) => `  - ${displayName(text)}`)];
}

function conflictLines(conflicts: readonly string[]): string[] {
  if (conflicts.length === 0) return [];
  const are = conflicts.length === 1 ? 'is' : 'are';
  return [
    '',
    pc.yellow(
      `In the way: ${countWords(conflicts.length, 'table')} of the backup ${are} in the target already. The restore would be refused; --on-conflict skip or replace decides.`,
    ),
  ];
}
