import { type NewExport, type StartedExport, startExport } from '../_shared/account/export/export-record.ts';
import type { ExportSettings } from '../_shared/account/export/export-settings.ts';
import { newExportKey } from '../_shared/account/export/part-cipher.ts';
import { ERRORS } from '../_shared/errors.ts';
import type { Answer } from '../_shared/http/route.ts';
import { exportLinks } from './answers.ts';
import type { Means } from './route.ts';

/** While an export is sent, another one would be the same. */
const STREAMING_RETRY_SECONDS = 60;

export type Begun = Exclude<StartedExport, { outcome: 'refused' }>;

/** Throws EXPORT_LIMIT. An open one is returned as it is. */
export async function beginExport(
  { sql }: Means,
  asked: Omit<NewExport, 'key'>,
  settings: ExportSettings,
): Promise<Begun> {
  const started = await startExport(sql, { ...asked, ...(asked.way === 'job' ? { key: newExportKey() } : {}) });
  if (started.outcome === 'refused') {
    const { per_day, retry_after_seconds, export_id } = started;
    const ready = export_id === null ? {} : { export_id, ...exportLinks(settings.publicUrl, export_id) };
    throw ERRORS.EXPORT_LIMIT(`an account may be exported ${per_day} times a day`, {
      details: { retry_after_seconds, ...ready },
    });
  }
  if (started.outcome === 'open' && started.way !== 'job') {
    throw ERRORS.EXPORT_LIMIT('an export of this account is being made right now', {
      details: { retry_after_seconds: STREAMING_RETRY_SECONDS },
    });
  }
  return started;
}

export function acceptedAnswer({ export_id, state }: Begun, { publicUrl }: ExportSettings): Answer {
  const links = exportLinks(publicUrl, export_id);
  return { status: 202, body: { export_id, state, ...links }, headers: { location: links.status_url } };
}
