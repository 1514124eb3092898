import type { Sql } from 'postgres';
import { ERRORS } from '../../_shared/errors.ts';
import { emptyParams, emptyQuery } from '../../_shared/http/request-fields.ts';
import { startedAnswer } from '../answer-schemas.ts';
import { drillBody } from '../request-schemas.ts';
import { defineRoute, drillLinks } from '../route.ts';

export const startDrill = defineRoute({
  method: 'POST',
  path: '/drills',
  name: 'startDrill',
  summary: 'Tries a backup out: restores it into a scratch database and checks it, or reads every stored byte',
  params: emptyParams,
  query: emptyQuery,
  body: drillBody,
  success: { status: 202, description: 'The drill has begun; follow it at links.self.', schema: startedAnswer },
  errors: ['BACKUP_MISSING', 'RUN_NOT_COMPLETE', 'DRILL_TOO_LARGE'],
  async handle({ means, caller, body }) {
    const { sql } = means;
    const mode = means.drillMode();
    const backupId = body.backup_id ?? (await newestOf(sql, body.cadence!));
    await refuseUnfit(sql, backupId, mode === 'restore');
    const drillId = await sql.begin(async (transaction) => {
      const [row] = await transaction`
        select backup.start_drill(${backupId}, ${body.kind}, ${caller.userId}::uuid) as id`;
      await transaction`select backup.dispatch_jobs()`;
      return row!.id as string;
    });
    const links = drillLinks(drillId);
    return {
      status: 202,
      body: { drill_id: drillId, backup_id: backupId, mode, links },
      headers: { location: links.self },
    };
  },
});

const HINT = 'See GET /functions/v1/backup-trigger/backups for those that are there.';

async function newestOf(sql: Sql, cadence: string): Promise<string> {
  const [row] = await sql`
    select backup_id from public.backup_log
    where backup_type = ${cadence} and status in ('completed', 'completed_with_limits') and folder is not null
    order by started_at desc, backup_id desc limit 1`;
  if (!row) throw ERRORS.BACKUP_MISSING(`there is no completed ${cadence} backup`, { hint: HINT });
  return row.backup_id as string;
}

async function refuseUnfit(sql: Sql, backupId: string, restores: boolean): Promise<void> {
  const [run] = await sql`
    select status, folder, raw_bytes::float8 as raw_bytes,
      (select (value #>> '{}')::float8 from backup.setting where name = 'drill_max_bytes') as max_bytes
    from public.backup_log where backup_id = ${backupId}`;
  if (!run) throw ERRORS.BACKUP_MISSING(`there is no backup '${backupId}'`, { hint: HINT });
  if (run.status !== 'completed' && run.status !== 'completed_with_limits') {
    throw ERRORS.RUN_NOT_COMPLETE(`backup '${backupId}' is ${run.status}`, { details: { status: run.status } });
  }
  if (run.folder === null) {
    throw ERRORS.BACKUP_MISSING(`backup '${backupId}' is another system's: it has no folder in the store`, {
      hint: HINT,
    });
  }
  if (restores && run.max_bytes !== null && Number(run.raw_bytes ?? 0) > run.max_bytes) {
    throw ERRORS.DRILL_TOO_LARGE(
      `the backup has ${run.raw_bytes} bytes of rows; a scratch database may take ${run.max_bytes}`,
      { details: { rawBytes: run.raw_bytes, maxBytes: run.max_bytes } },
    );
  }
}
