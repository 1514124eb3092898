/** What the routes about exports answer. */
import { z } from 'zod';
import type { ExportRecord } from '../_shared/account/export/export-record.ts';
import { downloadRanges } from './download-ranges.ts';

const count = z.number().int().nonnegative();

export const startedExport = z
  .strictObject({
    export_id: z.guid(),
    state: z.string(),
    status_url: z.string(),
    download_url: z.string().describe('Answers once the state is ready; takes the same access token.'),
  })
  .meta({ id: 'StartedExport' });

export const exportAnswer = z
  .strictObject({
    export_id: z.guid(),
    state: z.enum(['streaming', 'pending', 'ready', 'delivered', 'failed', 'cancelled', 'expired']),
    format: z.enum(['zip', 'json']),
    requested_at: z.iso.datetime(),
    ended_at: z.iso.datetime().nullable(),
    expires_at: z.iso.datetime().nullable(),
    size_bytes: count.nullable(),
    row_count: count.nullable(),
    file_count: count.nullable(),
    progress: z.strictObject({ rows: count, files: count, bytes: count }).nullable(),
    error: z.string().nullable().describe('A code.'),
    status_url: z.string(),
    download_url: z.string().nullable(),
    ranges: z
      .array(z.string())
      .nullable()
      .describe(
        'Values of the header Range that together are the file: ask for one after the other where it is large.',
      ),
  })
  .meta({ id: 'Export' });

export const cancelledExport = z
  .strictObject({ export_id: z.guid(), state: z.literal('cancelled') })
  .meta({ id: 'CancelledExport' });

export function exportLinks(publicUrl: string, id: string) {
  const status = `${publicUrl}/export/${id}`;
  return { status_url: status, download_url: `${status}/download` };
}

export function describeExport(record: ExportRecord, publicUrl: string): z.output<typeof exportAnswer> {
  const { progress } = record;
  const links = exportLinks(publicUrl, record.id);
  return {
    export_id: record.id,
    state: record.state,
    format: record.format,
    requested_at: record.requestedAt.toISOString(),
    ended_at: record.endedAt?.toISOString() ?? null,
    expires_at: record.expiresAt?.toISOString() ?? null,
    size_bytes: record.sizeBytes,
    row_count: record.rowCount,
    file_count: record.fileCount,
    progress:
      progress === null
        ? null
        : { rows: progress.rowCount ?? 0, files: progress.fileCount ?? 0, bytes: progress.rawBytes ?? 0 },
    error: record.error?.code ?? null,
    status_url: links.status_url,
    download_url: record.state === 'ready' ? links.download_url : null,
    ranges: record.state === 'ready' && record.sizeBytes !== null ? downloadRanges(record.sizeBytes) : null,
  };
}
