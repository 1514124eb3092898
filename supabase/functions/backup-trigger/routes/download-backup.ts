import { z } from 'zod';
import { ERRORS } from '../../_shared/errors.ts';
import { decodeCursor, encodeCursor } from '../../_shared/http/page-cursor.ts';
import { recordBackupAccess } from '../../_shared/http/record-access.ts';
import { readRunDetail } from '../../_shared/runs/read-run-detail.ts';
import { downloadAnswer } from '../answer-schemas.ts';
import { readBackupFiles } from '../read-backup-files.ts';
import { backupParams, downloadQuery } from '../request-schemas.ts';
import { defineRoute } from '../route.ts';

/** Long enough to begin each download of a page, short enough to be of little use when a URL leaks. */
const URL_SECONDS = 900;

const position = z.strictObject({ from: z.number().int().nonnegative() });

export const downloadBackup = defineRoute({
  method: 'GET',
  path: '/backups/:id/download',
  name: 'downloadBackup',
  summary: 'The manifest, and a URL of 15 minutes for every object; each call is recorded in security_events_log',
  params: backupParams,
  query: downloadQuery,
  success: { status: 200, description: 'One page of files; next_cursor is null on the last.', schema: downloadAnswer },
  errors: [
    'NOT_FOUND',
    'RUN_NOT_COMPLETE',
    'OBJECT_MISSING',
    'OBJECT_CORRUPT',
    'MANIFEST_INVALID',
    'STORE_UNREACHABLE',
  ],
  async handle({ means, caller, params, query }) {
    const from = decodeCursor(position, query.cursor)?.from ?? 0;
    const run = await readRunDetail(means.sql, params.id);
    // A backup that fails verification has a manifest too: a damaged one may be the only one there is.
    if (run.folder === null || run.manifest_sha256 === null) {
      throw ERRORS.RUN_NOT_COMPLETE(`backup '${params.id}' is ${run.status} and has no manifest`, {
        details: { status: run.status },
      });
    }
    await recordBackupAccess(means.sql, caller, {
      backupId: run.backup_id,
      backupType: run.cadence,
      startedAt: new Date(run.started_at),
    });
    const expireAt = new Date(Date.now() + URL_SECONDS * 1000);
    const page = { from, to: from + query.limit };
    const found = await readBackupFiles(means.store(), {
      folder: run.folder,
      sha256: run.manifest_sha256,
      page,
      urlSeconds: URL_SECONDS,
    });
    return {
      status: 200,
      body: {
        backup_id: run.backup_id,
        status: run.status,
        folder: run.folder,
        location: run.location,
        manifest_sha256: run.manifest_sha256,
        manifest: from === 0 ? found.manifest : null,
        verification: run.verification,
        urls_expire_at: expireAt.toISOString(),
        file_count: found.fileCount,
        files: found.files,
        next_cursor: page.to < found.fileCount ? encodeCursor({ from: page.to }) : null,
      },
    };
  },
});
