import { z } from 'zod';
import { decodeCursor, encodeCursor } from '../../_shared/http/page-cursor.ts';
import { emptyParams } from '../../_shared/http/request-fields.ts';
import { listDrills as readPage } from '../../_shared/runs/list-drills.ts';
import { listAnswer } from '../answer-schemas.ts';
import { listQuery } from '../request-schemas.ts';
import { defineRoute, drillLinks } from '../route.ts';

const position = z.strictObject({ startedAtUs: z.number().int().nonnegative(), drillId: z.guid() });

export const listDrills = defineRoute({
  method: 'GET',
  path: '/drills',
  name: 'listDrills',
  summary: 'Lists drills, newest first, those of scripts too',
  params: emptyParams,
  query: listQuery,
  success: { status: 200, description: 'One page; next_cursor is null on the last.', schema: listAnswer },
  errors: [],
  async handle({ means, query }) {
    const { limit, cursor, ...filter } = query;
    const { drills, next } = await readPage(means.sql, { filter, limit, after: decodeCursor(position, cursor) });
    return {
      status: 200,
      body: {
        drills: drills.map((drill) => ({ ...drill, links: drillLinks(drill.drill_id) })),
        next_cursor: next && encodeCursor(next),
      },
    };
  },
});
