/** A request to be erased: a plan to look at, and a token to say yes with. */
import type { JSONValue, Sql } from 'postgres';
import { markOf } from '../../domain/erasure-entry.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import type { PlannedErasure } from './erasure-plan.ts';
import { refuseBlockers } from './execute-erasure.ts';
import { planErasure } from './plan-erasure.ts';
import { newToken } from './secret-token.ts';

export interface ErasureRequest {
  readonly userId: string;
  readonly origin: 'user' | 'operator';
  readonly reason: string | null;
}

export interface RequestedErasure {
  readonly erasureId: string;
  readonly plan: PlannedErasure;
  readonly planSha256: string;
  /** For confirm_erasure; kept nowhere. */
  readonly token: string;
  readonly tokenExpiresAt: Date;
}

/**
 * Throws ERASURE_OPEN, ERASURE_LIMIT, ERASURE_BLOCKED (also announced to the operators: only they can remove what stands
 * in the way), SUBJECT_UNKNOWN, SUBJECT_SOURCE_INVALID, DATABASE_*.
 */
export async function requestErasure(sql: Sql, request: ErasureRequest): Promise<RequestedErasure> {
  const { decided, plan } = await planned(sql, request);
  const { token, sha256 } = newToken();
  const [row] = await sql`
    select backup.request_erasure(${request.userId}::uuid, ${markOf('id', request.userId)}, ${request.origin},
      ${request.reason}, ${sql.json(plan as unknown as JSONValue)}, ${decided.sha256}, ${sha256}) as answer`;
  const answer = row!.answer as Record<string, unknown>;
  if (answer.outcome === 'open') {
    throw ERRORS.ERASURE_OPEN(`the erasure ${answer.erasure_id} is ${answer.state} already`, {
      details: { erasure_id: answer.erasure_id },
    });
  }
  if (answer.outcome === 'refused') {
    throw ERRORS.ERASURE_LIMIT(`at most ${answer.per_day} erasures may be requested in a day`, {
      details: { retry_after_seconds: answer.retry_after_seconds },
    });
  }
  return {
    erasureId: String(answer.erasure_id),
    plan,
    planSha256: decided.sha256,
    token,
    tokenExpiresAt: new Date(String(answer.token_expires_at)),
  };
}

async function planned(sql: Sql, { userId, origin }: ErasureRequest) {
  try {
    const made = await planErasure(sql, userId);
    refuseBlockers(made.plan.blockers);
    return made;
  } catch (error) {
    if (!(error instanceof HoldfastError) || !['ERASURE_BLOCKED', 'SUBJECT_SOURCE_INVALID'].includes(error.code))
      throw error;
    if (origin === 'user')
      await sql`
        select backup.announce('account_erasure_blocked', 'high', ${`an erasure that a user asked for is not possible: ${error.message}`.slice(0, 1000)},
          ${sql.json({ code: error.code })})`;
    throw error;
  }
}
