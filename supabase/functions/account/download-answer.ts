import type { ExportFormat } from '../_shared/account/export/export-record.ts';

const MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = { zip: 'application/zip', json: 'application/json' };

export interface DownloadFacts {
  readonly format: ExportFormat;
  readonly requestedAt: Date;
}

/** The name says nothing of the person: it ends up in folders that others see. */
export function downloadHeaders({ format, requestedAt }: DownloadFacts): Record<string, string> {
  const name = `personal-data-${requestedAt.toISOString().slice(0, 10)}.${format}`;
  return { 'content-type': MEDIA_TYPES[format], 'content-disposition': `attachment; filename="${name}"` };
}
