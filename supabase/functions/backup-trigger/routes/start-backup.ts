import { emptyParams, emptyQuery } from '../../_shared/http/request-fields.ts';
import { startedAnswer } from '../answer-schemas.ts';
import { checkRequest } from '../check-request.ts';
import { startBody } from '../request-schemas.ts';
import { backupLinks, defineRoute } from '../route.ts';
import { startRun } from '../start-run.ts';

export const startBackup = defineRoute({
  method: 'POST',
  path: '',
  name: 'startBackup',
  summary: 'Starts a backup',
  params: emptyParams,
  query: emptyQuery,
  body: startBody,
  success: { status: 202, description: 'The backup has begun; follow it at links.self.', schema: startedAnswer },
  errors: ['TABLE_UNKNOWN', 'WHERE_INVALID', 'FUNCTIONS_URL_UNKNOWN'],
  async handle({ means, caller, body }) {
    await checkRequest(means.sql, body);
    const backupId = await startRun(means.sql, body, caller.userId);
    const links = backupLinks(backupId);
    return {
      status: 202,
      body: { backup_id: backupId, status: 'in_progress', links },
      headers: { location: links.self },
    };
  },
});
