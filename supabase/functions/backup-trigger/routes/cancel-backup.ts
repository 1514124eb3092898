import { ERRORS } from '../../_shared/errors.ts';
import { emptyBody, emptyQuery } from '../../_shared/http/request-fields.ts';
import { readRunDetail } from '../../_shared/runs/read-run-detail.ts';
import { cancelledAnswer } from '../answer-schemas.ts';
import { backupParams } from '../request-schemas.ts';
import { defineRoute } from '../route.ts';

export const cancelBackup = defineRoute({
  method: 'POST',
  path: '/backups/:id/cancel',
  name: 'cancelBackup',
  summary: 'Ends a backup that is in progress and removes what it stored',
  params: backupParams,
  query: emptyQuery,
  body: emptyBody,
  success: {
    status: 200,
    description: 'The backup is cancelled; a worker removes its objects.',
    schema: cancelledAnswer,
  },
  errors: ['NOT_FOUND', 'RUN_NOT_ACTIVE'],
  async handle({ means, caller, params }) {
    const cancelled = await means.sql.begin(async (sql) => {
      const [row] = await sql`select backup.cancel_run(${params.id}, ${caller.userId}::uuid) as cancelled`;
      if (row?.cancelled === true) await sql`select backup.dispatch()`;
      return row?.cancelled === true;
    });
    if (!cancelled) {
      const { status } = await readRunDetail(means.sql, params.id);
      throw ERRORS.RUN_NOT_ACTIVE(`backup '${params.id}' is not in progress but ${status}`, { details: { status } });
    }
    return { status: 200, body: { backup_id: params.id, status: 'cancelled' } };
  },
});
