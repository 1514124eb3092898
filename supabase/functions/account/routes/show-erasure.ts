import { emptyQuery } from '../../_shared/http/request-fields.ts';
import { describeErasure, erasureAnswer, erasureParams, findOwnErasure } from '../erasure-answers.ts';
import { defineRoute } from '../route.ts';

export const showErasure = defineRoute({
  method: 'GET',
  path: '/erase/:id',
  name: 'showErasure',
  summary: 'One of your erasures as it is now',
  params: erasureParams,
  query: emptyQuery,
  success: {
    status: 200,
    description: 'The erasure, with its certificate when it is completed.',
    schema: erasureAnswer,
  },
  errors: ['NOT_FOUND'],
  async handle({ means, params }) {
    return { status: 200, body: describeErasure(await findOwnErasure(means, params.id)) };
  },
});
