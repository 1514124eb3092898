import { ERRORS } from '../../_shared/errors.ts';
import { emptyBody, emptyQuery } from '../../_shared/http/request-fields.ts';
import { cancelledErasure, erasureParams } from '../erasure-answers.ts';
import { defineRoute } from '../route.ts';

export const cancelErasure = defineRoute({
  method: 'POST',
  path: '/erase/:id/cancel',
  name: 'cancelErasure',
  summary: 'Calls an erasure off, as long as it has not begun',
  params: erasureParams,
  query: emptyQuery,
  body: emptyBody,
  success: { status: 200, description: 'It is cancelled; nothing was erased.', schema: cancelledErasure },
  errors: ['NOT_FOUND', 'ERASURE_NOT_OPEN'],
  async handle({ means, params }) {
    const [row] = await means.sql`select backup.cancel_erasure(${means.userId}::uuid, ${params.id}::uuid) as answer`;
    const answer = row!.answer as { outcome: string; state?: string };
    if (answer.outcome === 'unknown') throw ERRORS.NOT_FOUND('you have no such erasure');
    if (answer.outcome === 'too_late') throw ERRORS.ERASURE_NOT_OPEN(`the erasure is ${answer.state} already`);
    return { status: 200, body: { erasure_id: params.id, state: 'cancelled' } };
  },
});
