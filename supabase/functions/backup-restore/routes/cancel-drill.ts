import { ERRORS } from '../../_shared/errors.ts';
import { emptyBody, emptyQuery } from '../../_shared/http/request-fields.ts';
import { readDrill } from '../../_shared/runs/read-drill.ts';
import { cancelledAnswer } from '../answer-schemas.ts';
import { drillParams } from '../request-schemas.ts';
import { defineRoute } from '../route.ts';

export const cancelDrill = defineRoute({
  method: 'POST',
  path: '/drills/:id/cancel',
  name: 'cancelDrill',
  summary: 'Ends a drill in progress and drops its scratch database',
  params: drillParams,
  query: emptyQuery,
  body: emptyBody,
  success: { status: 200, description: 'The drill is cancelled.', schema: cancelledAnswer },
  errors: ['NOT_FOUND', 'DRILL_NOT_ACTIVE'],
  async handle({ means, caller, params }) {
    const drill = await readDrill(means.sql, params.id);
    const [row] = await means.sql`select backup.cancel_job(${drill.jobId}::uuid, ${caller.userId}::uuid) as cancelled`;
    if (row?.cancelled !== true) {
      throw ERRORS.DRILL_NOT_ACTIVE(`drill ${params.id} is ${drill.status}`, { details: { status: drill.status } });
    }
    // A worker that is about to make the database may still do so: the job that the end of this one started comes later.
    // It sweeps as well, so a server that does not answer now spoils nothing.
    await means.sweep().catch(() => undefined);
    await means.sql`select backup.dispatch_jobs()`;
    return { status: 200, body: { drill_id: params.id, status: 'cancelled' } };
  },
});
