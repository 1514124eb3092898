import { z } from 'zod';
import type { ExportRecord } from '../../_shared/account/export/export-record.ts';
import { type Layout, layoutBytes } from '../../_shared/account/export/layout.ts';
import { openPartCipher } from '../../_shared/account/export/part-cipher.ts';
import { readPackage } from '../../_shared/account/export/read-package.ts';
import { ERRORS } from '../../_shared/errors.ts';
import { recordAccountEvent } from '../../_shared/http/record-account-event.ts';
import { emptyQuery } from '../../_shared/http/request-fields.ts';
import { byteStream } from '../byte-stream.ts';
import { downloadHeaders } from '../download-answer.ts';
import { findOwnExport } from '../find-own-export.ts';
import { requestedRange } from '../requested-range.ts';
import { exportParams } from '../requests.ts';
import { defineRoute, type Means } from '../route.ts';

export const downloadExport = defineRoute({
  method: 'GET',
  path: '/export/:id/download',
  name: 'downloadExport',
  summary: 'The bytes of an export that is ready, whole or one range; each call is recorded in security_events_log',
  params: exportParams,
  query: emptyQuery,
  success: {
    status: 200,
    description: 'The file; 206 with a range.',
    schema: z.unknown(),
    texts: ['application/zip'],
  },
  errors: [
    'NOT_FOUND',
    'EXPORT_NOT_READY',
    'EXPORT_GONE',
    'RANGE_INVALID',
    'DOWNLOAD_LIMIT',
    'EXPORT_DAMAGED',
    'STORE_UNREACHABLE',
  ],
  async handle({ means, params }) {
    const record = await findOwnExport(means, params.id);
    const { key, layout } = readable(record);
    const size = layoutBytes(layout);
    const etag = `"${record.id}"`;
    // Whoever has the beginning of another file must not get the end of this one.
    const isSame = (means.headers.get('if-range') ?? etag) === etag;
    const range = isSame ? requestedRange(means.headers.get('range'), size) : null;
    const headers = {
      ...downloadHeaders(record),
      'accept-ranges': 'bytes',
      // Compressed on the way it would have no length and no ranges, and cost the function's CPU.
      'cache-control': 'no-store, no-transform',
      'content-length': String(range ? range.end - range.start : size),
      etag,
      ...(range ? { 'content-range': `bytes ${range.start}-${range.end - 1}/${size}` } : {}),
    };
    const status = range ? 206 : 200;
    if (means.method === 'HEAD') return new Response(null, { status, headers });
    const leave = enterDownload(means);
    try {
      await recordDownload(means, record, range);
      const stored = {
        store: means.store(),
        cipher: await openPartCipher(key, record.id),
        exportId: record.id,
        layout,
      };
      const bytes = readPackage(stored, range ?? { start: 0, end: size });
      const onError = (error: unknown) =>
        means.log.error('download broke off', { export: record.id, error: String(error) });
      return new Response(byteStream(bytes, { onError, onEnd: leave }), { status, headers });
    } catch (error) {
      leave();
      throw error;
    }
  },
});

const BUSY_RETRY_SECONDS = 5;

/** One worker that sends too much at once is ended by the platform, and everybody's download with it. */
function enterDownload({ downloads, userId }: Means): () => void {
  const leave = downloads.enter(userId);
  if (leave !== null) return leave;
  throw ERRORS.DOWNLOAD_LIMIT('too many downloads are being sent at once', {
    details: { retry_after_seconds: BUSY_RETRY_SECONDS },
  });
}

function readable(record: ExportRecord): { key: string; layout: Layout } {
  const { state, key, layout, expiresAt } = record;
  if (state === 'pending' || state === 'streaming') throw ERRORS.EXPORT_NOT_READY(`the export is ${state}`);
  // The heartbeat forgets the key a moment later.
  const expired = expiresAt !== null && expiresAt.getTime() <= Date.now();
  if (state !== 'ready' || expired || key === null || layout === null) {
    throw ERRORS.EXPORT_GONE(`the export is ${expired ? 'expired' : state}`);
  }
  return { key, layout };
}

async function recordDownload(
  { sql, userId }: Means,
  { id }: ExportRecord,
  range: { start: number; end: number } | null,
): Promise<void> {
  const part = range ? { from: range.start, to: range.end } : {};
  await recordAccountEvent(sql, { type: 'account_export_downloaded', userId, data: { export_id: id, ...part } });
  await sql`
    update backup.account_export set downloads = downloads + 1, downloaded_at = clock_timestamp() where id = ${id}`;
}
