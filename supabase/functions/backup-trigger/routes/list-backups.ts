import { z } from 'zod';
import { decodeCursor, encodeCursor } from '../../_shared/http/page-cursor.ts';
import { emptyParams } from '../../_shared/http/request-fields.ts';
import { listRuns } from '../../_shared/runs/list-runs.ts';
import { listAnswer } from '../answer-schemas.ts';
import { listQuery } from '../request-schemas.ts';
import { backupLinks, defineRoute } from '../route.ts';

const position = z.strictObject({
  startedAtUs: z.number().int().nonnegative(),
  backupId: z
    .string()
    .max(200)
    .regex(/^[^\0\p{Cs}]*$/u),
});

export const listBackups = defineRoute({
  method: 'GET',
  path: '/backups',
  name: 'listBackups',
  summary: 'Lists backups, newest first',
  params: emptyParams,
  query: listQuery,
  success: { status: 200, description: 'One page; next_cursor is null on the last.', schema: listAnswer },
  errors: [],
  async handle({ means, query }) {
    const { limit, cursor, ...filter } = query;
    const { runs, next } = await listRuns(means.sql, { filter, limit, after: decodeCursor(position, cursor) });
    const backups = runs.map((run) => ({ ...run, links: backupLinks(run.backup_id) }));
    return { status: 200, body: { backups, next_cursor: next && encodeCursor(next) } };
  },
});
