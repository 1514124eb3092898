import { readErasure } from '../../_shared/account/erase/erasure-row.ts';
import { requireRecentSignIn } from '../../_shared/account/erase/recent-sign-in.ts';
import { requestErasure } from '../../_shared/account/erase/request-erasure.ts';
import { emptyParams, emptyQuery } from '../../_shared/http/request-fields.ts';
import { describeErasure, eraseBody, requestedErasure } from '../erasure-answers.ts';
import { defineRoute } from '../route.ts';

export const eraseAccount = defineRoute({
  method: 'POST',
  path: '/erase',
  name: 'eraseAccount',
  summary: 'Plans the erasure of your account and data; nothing happens before you confirm it',
  params: emptyParams,
  query: emptyQuery,
  body: eraseBody,
  success: { status: 201, description: 'The plan, and a token to confirm it with.', schema: requestedErasure },
  errors: ['SIGN_IN_TOO_OLD', 'ERASURE_OPEN', 'ERASURE_LIMIT', 'ERASURE_BLOCKED', 'SUBJECT_SOURCE_INVALID'],
  async handle({ means, body }) {
    const { sql, userId } = means;
    await requireRecentSignIn(sql, means);
    const request = await requestErasure(sql, { userId, origin: 'user', reason: body.reason ?? null });
    const row = (await readErasure(sql, request.erasureId))!;
    const token = { token: request.token, token_expires_at: request.tokenExpiresAt.toISOString() };
    return { status: 201, body: { ...describeErasure(row), ...token } };
  },
});
