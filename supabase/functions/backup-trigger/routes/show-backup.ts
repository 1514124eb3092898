import { emptyQuery } from '../../_shared/http/request-fields.ts';
import { readRunDetail } from '../../_shared/runs/read-run-detail.ts';
import { readRunProgress } from '../../_shared/runs/read-run-progress.ts';
import { backupAnswer } from '../answer-schemas.ts';
import { backupParams } from '../request-schemas.ts';
import { backupLinks, defineRoute } from '../route.ts';

export const showBackup = defineRoute({
  method: 'GET',
  path: '/backups/:id',
  name: 'showBackup',
  summary: 'State, progress per table, rate and estimated end of one backup',
  params: backupParams,
  query: emptyQuery,
  success: { status: 200, description: 'The backup as it is now.', schema: backupAnswer },
  errors: ['NOT_FOUND'],
  async handle({ means, params }) {
    const detail = await readRunDetail(means.sql, params.id);
    const progress = await readRunProgress(means.sql, params.id);
    return { status: 200, body: { ...detail, progress, links: backupLinks(params.id) } };
  },
});
