/** Makes the backup, with progress for whoever watches, tells the webhook, and reports. */
import type { BackupMeans } from '../../supabase/functions/_shared/backup/backup-settings.ts';
import { exportDatabase } from '../../supabase/functions/_shared/backup/export/export-database.ts';
import type { ExportEvent, ExportResult } from '../../supabase/functions/_shared/backup/export/export-job.ts';
import { HoldfastError } from '../../supabase/functions/_shared/errors.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { EXIT } from './exit-code.ts';
import { exportJson } from './export-json.ts';
import type { ExportOptions } from './export-options.ts';
import { exportProgress } from './export-progress.ts';
import { exportReport } from './export-report.ts';
import { listenForInterrupt } from './interrupt.ts';
import { type LocalArchive, makeArchive } from './make-archive.ts';
import { notifyWebhook } from './notify-webhook.ts';
import type { Output } from './run-export.ts';
import { line } from './terminal.ts';
import { unfinishedWarnings, warn } from './warnings.ts';

export interface ExportRun extends Output {
  readonly options: ExportOptions;
  readonly means: BackupMeans;
  /** Already shown, and part of the JSON. */
  readonly warnings: readonly string[];
}

/** Returns the exit code. Throws what exportDatabase() throws, and NOTIFICATION_FAILED after a complete backup. */
export async function makeExport(run: ExportRun): Promise<number> {
  const { options, terminal, json } = run;
  const { result, archive } = await exportWithProgress(run).catch(async (error) => {
    await notifyOfFailure(run, error);
    throw error;
  });
  const late = [...unfinishedWarnings(result.unfinished), ...result.warnings];
  const report = { mode: options.mode, result, archive, codec: options.codec };
  const summary = exportJson(report, [...run.warnings, ...late]);
  const told = await tell(options.notifyUrl, summary);
  if (!json) for (const text of exportReport({ ...report, notified: told.host })) line(terminal.stdout, text);
  else if (!told.failure) line(terminal.stdout, JSON.stringify({ ...summary, notified: told.host }));
  for (const warning of late) warn(run, warning);
  if (told.failure) throw told.failure;
  return result.status === 'completed' ? EXIT.ok : EXIT.completedWithLimits;
}

interface Made {
  readonly result: ExportResult;
  readonly archive: LocalArchive | null;
}

async function exportWithProgress({ options, means, terminal }: ExportRun): Promise<Made> {
  const progress = exportProgress(terminal);
  let stays = false;
  const interrupt = listenForInterrupt((signalName) => {
    progress.stop();
    const consequence = stays
      ? 'the backup is complete and stays'
      : 'removing what was stored; once more to leave it as it is';
    line(terminal.stderr, `${signalName}: ${consequence}`);
  });
  const { signal } = interrupt;
  const onEvent = (event: ExportEvent) => {
    // What --archive packs is there for a moment only.
    if (event.type === 'completed' && options.archiveDirectory === null) stays = true;
    if (!signal.aborted) progress.show(event);
  };
  const exportTo = (store: Store) => {
    const { request, format, jobs, verify } = options;
    return exportDatabase({ ...means, store }, { request, format, jobs, verify, signal, onEvent });
  };
  try {
    if (options.archiveDirectory === null) return { result: await exportTo(means.store), archive: null };
    return await makeArchive({
      directory: options.archiveDirectory,
      signal,
      exportTo,
      onPacking: (bytes) => onEvent({ type: 'packing', bytes }),
      onPacked: (bytes) => onEvent({ type: 'packed', bytes }),
    });
  } finally {
    interrupt.dispose();
    progress.stop();
  }
}

/** The backup is complete whatever becomes of the message; who asked for it must hear that it failed. */
async function tell(
  url: string | null,
  summary: object,
): Promise<{ host: string | null; failure: HoldfastError | null }> {
  if (url === null) return { host: null, failure: null };
  try {
    return { host: await notifyWebhook(url, summary), failure: null };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const { code, message, hint } = error;
    return {
      host: null,
      failure: new HoldfastError(code, error, message, { cause: error, hint, details: { backup: summary } }),
    };
  }
}

async function notifyOfFailure(run: ExportRun, error: unknown): Promise<void> {
  const { notifyUrl, mode } = run.options;
  if (notifyUrl === null) return;
  const { code, message, hint } =
    error instanceof HoldfastError ? error : { code: 'INTERNAL', message: 'unexpected error', hint: '' };
  const told = await tell(notifyUrl, { status: 'failed', mode, error: { code, message, hint } });
  // The export's own failure is the one that ends the script.
  if (told.failure) warn(run, told.failure.message);
}
