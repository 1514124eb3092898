import { type ExportPlan, planExport } from '../../supabase/functions/_shared/backup/export/plan-export.ts';
import { countWords } from '../../supabase/functions/_shared/domain/count-words.ts';
import { EXIT } from './exit-code.ts';
import type { ExportOptions } from './export-options.ts';
import type { ExportRun } from './make-export.ts';
import { plainTable } from './plain-table.ts';
import { sizeWords } from './size-words.ts';
import { line } from './terminal.ts';

const TABLES_SHOWN = 40;

/** --dry-run: everything is checked and looked up, nothing is stored. Returns the exit code. */
export async function showPlan({ options, means, terminal, json, warnings }: ExportRun): Promise<number> {
  const plan = await planExport(means, options.request);
  const shown = json
    ? [JSON.stringify({ dry_run: true, mode: options.mode, ...plan, warnings })]
    : planText(plan, options);
  for (const text of shown) line(terminal.stdout, text);
  return plan.limits.length > 0 ? EXIT.completedWithLimits : EXIT.ok;
}

function planText(plan: ExportPlan, options: ExportOptions): string[] {
  const table = plainTable(['table', 'rows', 'size', 'objects'], ['left', 'right', 'right', 'right']);
  const largest = [...plan.tables]
    .sort((one, other) => other.estimated_bytes - one.estimated_bytes)
    .slice(0, TABLES_SHOWN);
  for (const { name, estimated_rows: rows, estimated_bytes: bytes, objects } of largest) {
    table.push([name, `~${rows.toLocaleString('en-US')}`, `~${sizeWords(bytes)}`, String(objects)]);
  }
  const rest = plan.tables.length - largest.length;
  const protection = plan.encrypted_to.length === 0 ? 'not encrypted' : `encrypted to ${plan.encrypted_to.join(', ')}`;
  return [
    `Nothing was exported (--dry-run). --mode ${options.mode} would export from ${plan.database} (PostgreSQL ${plan.server_version}):`,
    table.toString(),
    ...(rest > 0 ? [`and ${countWords(rest, 'smaller table')}`] : []),
    `${countWords(plan.tables.length, 'table')}, about ${sizeWords(plan.estimated_bytes)}, as ${options.format} with ${options.codec}, ${protection}`,
    `to ${plan.location}`,
    ...plan.limits.map(({ message }) => `not possible: ${message}`),
  ];
}
