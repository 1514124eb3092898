import type { Sql } from '../../postgres/open-driver.ts';
import type { JobStep } from '../../runs/job-row.ts';
import type { Store } from '../../stores/store.ts';
import { exportFolder } from './part-cipher.ts';

const DELETIONS_PER_SLICE = 200;
const AT_ONCE = 8;

/** Deletes the parts of an export that expired, failed or was cancelled. Safe to run twice. Throws the store's errors. */
export function deletionStep({ sql, store }: { sql: Sql; store: Store }): JobStep {
  return async ({ job }) => {
    const exportId = String(job.payload.export_id);
    let deleted = Number(job.progress.deleted ?? 0);
    const folder = exportFolder(exportId);
    await store.abortUploads(folder);
    const keys: string[] = [];
    for await (const { key } of store.list(folder)) {
      keys.push(key);
      if (keys.length === DELETIONS_PER_SLICE) break;
    }
    for (let at = 0; at < keys.length; at += AT_ONCE) {
      await Promise.all(keys.slice(at, at + AT_ONCE).map((key) => store.delete(key)));
    }
    deleted += keys.length;
    if (keys.length === DELETIONS_PER_SLICE) return { state: 'again', progress: { deleted } };
    await sql`update backup.account_export set deleted_at = clock_timestamp() where id = ${exportId}`;
    return { state: 'done', result: { deleted } };
  };
}
