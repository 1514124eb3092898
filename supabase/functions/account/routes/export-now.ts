import { z } from 'zod';
import type { ExportPlan } from '../../_shared/account/export/export-plan.ts';
import { planExport } from '../../_shared/account/export/export-plan.ts';
import { type ExportFormat, endStream, queueExport } from '../../_shared/account/export/export-record.ts';
import { type ExportSettings, readExportSettings } from '../../_shared/account/export/export-settings.ts';
import { isSmall } from '../../_shared/account/export/is-small.ts';
import { chooseLanguage } from '../../_shared/account/export/languages.ts';
import { newExportKey } from '../../_shared/account/export/part-cipher.ts';
import { streamPackage } from '../../_shared/account/export/stream-package.ts';
import { databaseError } from '../../_shared/errors/database-error.ts';
import { ERRORS } from '../../_shared/errors.ts';
import { emptyParams } from '../../_shared/http/request-fields.ts';
import type { PgSession } from '../../_shared/postgres/session.ts';
import { acceptedAnswer, beginExport } from '../begin-export.ts';
import { downloadHeaders } from '../download-answer.ts';
import { exportQuery } from '../requests.ts';
import { defineRoute, type Means } from '../route.ts';

export const exportNow = defineRoute({
  method: 'GET',
  path: '/export',
  name: 'exportNow',
  summary: 'Your data at once, or 202 and an export to come when there is much of it',
  params: emptyParams,
  query: exportQuery,
  success: { status: 200, description: 'The file, while it is made.', schema: z.unknown(), texts: ['application/zip'] },
  errors: ['EXPORT_LIMIT', 'METHOD_NOT_ALLOWED'],
  async handle({ means, query }) {
    if (means.method === 'HEAD') {
      throw ERRORS.METHOD_NOT_ALLOWED('HEAD would begin an export that nobody reads', {
        details: { allow: 'GET, POST' },
      });
    }
    const settings = await readExportSettings(means.sql);
    const lang = chooseLanguage(query.lang ?? null, means.headers.get('accept-language'));
    const asked = { userId: means.userId, way: 'stream', format: query.format, lang } as const;
    const begun = await beginExport(means, asked, settings);
    if (begun.outcome === 'open') return acceptedAnswer(begun, settings);
    return await sendOrQueue(means, { settings, lang, format: query.format, begun });
  },
});

interface Begun {
  readonly settings: ExportSettings;
  readonly lang: string;
  readonly format: ExportFormat;
  readonly begun: Parameters<typeof acceptedAnswer>[0];
}

async function sendOrQueue(means: Means, { settings, lang, format, begun }: Begun) {
  const { sql } = means;
  const id = begun.export_id;
  const leave = means.places.enter();
  let session: PgSession | null = null;
  try {
    const plan = await planExport(sql, means.userId);
    if (leave !== null) {
      session = await means.openSession();
      if (await isSmall({ sql, session, plan, settings })) {
        return send(means, { id, session, leave, plan, lang, format, settings });
      }
      await session.close();
      leave();
    }
    // Large, or there are too many at once: the queue makes one after the other.
    await queueExport(sql, id, newExportKey());
    return acceptedAnswer({ ...begun, state: 'pending' }, settings);
  } catch (error) {
    await session?.close();
    leave?.();
    await recordEnd(means, id, { state: 'failed', error, counts: NOTHING });
    throw error;
  }
}

interface Sending extends Omit<Begun, 'begun'> {
  readonly id: string;
  readonly session: PgSession;
  /** Gives the place back. */
  readonly leave: () => void;
  readonly plan: ExportPlan;
}

const NOTHING = { sizeBytes: 0, rowCount: 0, fileCount: 0 };

/** The answer goes out at once; its body is made while it is read. */
function send(means: Means, { id, session, leave, plan, lang, format, settings }: Sending): Response {
  const pipe = new TransformStream<Uint8Array, Uint8Array>();
  const writer = pipe.writable.getWriter();
  let sizeBytes = 0;
  const emit = async (bytes: Uint8Array) => {
    sizeBytes += bytes.length;
    await writer.write(bytes);
  };
  const { sql, project } = means;
  const { limits } = settings;
  const make = async () => {
    try {
      const state = await streamPackage({ sql, session, project, plan, format, lang, exportId: id, limits, emit });
      const counts = { sizeBytes, rowCount: state.rowCount, fileCount: state.fileCount };
      await recordEnd(means, id, { state: 'delivered', counts });
      await writer.close();
    } catch (error) {
      await recordEnd(means, id, { state: 'failed', error, counts: { ...NOTHING, sizeBytes } });
      await writer.abort(error).catch(() => {});
    } finally {
      await session.close();
      leave();
    }
  };
  means.waitUntil(make());
  return new Response(pipe.readable, { status: 200, headers: downloadHeaders({ format, requestedAt: new Date() }) });
}

interface StreamOutcome {
  readonly state: 'delivered' | 'failed';
  readonly error?: unknown;
  readonly counts: typeof NOTHING;
}

/** A row that is not ended here is ended by the heartbeat. */
async function recordEnd({ sql, log }: Means, id: string, { state, error, counts }: StreamOutcome): Promise<void> {
  try {
    const known = error === undefined ? {} : { error: databaseError(error).toJSON() };
    if (error !== undefined) log.error('export failed', { export: id, ...known });
    await endStream(sql, id, { state, ...counts, ...known });
  } catch (failure) {
    log.error('end of an export not recorded', { export: id, error: databaseError(failure).toJSON() });
  }
}
