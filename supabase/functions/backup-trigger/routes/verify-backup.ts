import { ERRORS } from '../../_shared/errors.ts';
import { emptyQuery } from '../../_shared/http/request-fields.ts';
import { verifyAnswer } from '../answer-schemas.ts';
import { backupParams, verifyBody } from '../request-schemas.ts';
import { defineRoute } from '../route.ts';

/** The first task of a verification reads the manifest and makes the others: this call stays short. */
const PLAN_TASK = [{ plan: true }];

export const verifyBackup = defineRoute({
  method: 'POST',
  path: '/backups/:id/verify',
  name: 'verifyBackup',
  summary: 'Starts a check of the stored bytes against the manifest',
  params: backupParams,
  query: emptyQuery,
  body: verifyBody,
  success: {
    status: 202,
    description: 'The verification has begun; the backup shows its verdict.',
    schema: verifyAnswer,
  },
  errors: ['NOT_FOUND', 'RUN_NOT_COMPLETE'],
  async handle({ means, caller, params, body }) {
    const verificationId = await means.sql.begin(async (sql) => {
      const [run] = await sql`select status from public.backup_log where backup_id = ${params.id} for share`;
      if (!run) throw ERRORS.NOT_FOUND(`there is no backup '${params.id}'`);
      if (run.status !== 'completed' && run.status !== 'completed_with_limits') {
        throw ERRORS.RUN_NOT_COMPLETE(`backup '${params.id}' is ${run.status}`, { details: { status: run.status } });
      }
      const [started] = await sql`
        select backup.start_verification(${params.id}, ${body.kind}, ${sql.json(PLAN_TASK)}, ${caller.userId}::uuid) as id`;
      await sql`select backup.dispatch()`;
      return started!.id as string;
    });
    return { status: 202, body: { backup_id: params.id, verification_id: verificationId, status: 'in_progress' } };
  },
});
