import type { ExportEvent } from '../../supabase/functions/_shared/backup/export/export-job.ts';
import { ProgressLine } from './progress-line.ts';
import type { Terminal } from './terminal.ts';

export interface ExportProgress {
  show(event: ExportEvent): void;
  /** Takes the line off the terminal again. */
  stop(): void;
}

/** What is copied now, how much, how fast, how long still. Nothing at all where nobody looks. */
export function exportProgress(terminal: Terminal): ExportProgress {
  if (!terminal.stderr.isTTY) return { show() {}, stop() {} };
  const progress = new ProgressLine(terminal);
  return { show: (event) => show(progress, event), stop: () => progress.stop() };
}

function show(progress: ProgressLine, event: ExportEvent): void {
  if (event.type === 'planned') progress.begin('schema', event.estimatedBytes);
  else if (event.type === 'table') progress.rename(event.name);
  else if (event.type === 'rows') progress.advance(event.bytes, event.rows);
  else if (event.type === 'verifying') progress.begin('verifying', event.bytes);
  else if (event.type === 'verified') progress.advance(event.bytes, 0);
  else if (event.type === 'packing') progress.begin('packing', event.bytes);
  else if (event.type === 'packed') progress.advance(event.bytes, 0);
  else if (event.type === 'completed') progress.rename('listing the store');
  else progress.rename(event.type);
}
