import { requireRecentSignIn } from '../../_shared/account/erase/recent-sign-in.ts';
import { newToken, tokenHash } from '../../_shared/account/erase/secret-token.ts';
import { readExportSettings } from '../../_shared/account/export/export-settings.ts';
import { ERRORS } from '../../_shared/errors.ts';
import { emptyQuery } from '../../_shared/http/request-fields.ts';
import { confirmBody, confirmedErasure, erasureParams } from '../erasure-answers.ts';
import { defineRoute } from '../route.ts';

export const confirmErasure = defineRoute({
  method: 'POST',
  path: '/erase/:id/confirm',
  name: 'confirmErasure',
  summary: 'Confirms the erasure that was planned; it is executed after a time to think again',
  params: erasureParams,
  query: emptyQuery,
  body: confirmBody,
  success: { status: 200, description: 'It is scheduled.', schema: confirmedErasure },
  errors: ['NOT_FOUND', 'SIGN_IN_TOO_OLD', 'ERASURE_TOKEN_REFUSED', 'ERASURE_NOT_OPEN'],
  async handle({ means, params, body }) {
    const { sql, userId } = means;
    await requireRecentSignIn(sql, means);
    const { publicUrl } = await readExportSettings(sql);
    const receipt = newToken();
    const [row] = await sql`
      select backup.confirm_erasure(${userId}::uuid, ${params.id}::uuid, ${tokenHash(body.token)}, ${receipt.sha256}) as answer`;
    const answer = row!.answer as { outcome: string; state?: string; due_at?: string };
    if (answer.outcome === 'unknown') throw ERRORS.NOT_FOUND('you have no such erasure');
    if (answer.outcome === 'not_planned') throw ERRORS.ERASURE_NOT_OPEN(`the erasure is ${answer.state} already`);
    if (answer.outcome !== 'scheduled')
      throw ERRORS.ERASURE_TOKEN_REFUSED(
        `the token is ${answer.outcome === 'expired' ? 'too old' : 'not the one of this erasure'}`,
      );
    const scheduled = {
      erasure_id: params.id,
      state: 'scheduled',
      due_at: new Date(answer.due_at!).toISOString(),
      receipt: receipt.token,
      certificate_url: `${publicUrl}/erase/${params.id}/certificate`,
    };
    return { status: 200, body: scheduled };
  },
});
