import type { Sql } from 'postgres';
import { ERRORS } from '../../errors.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Throws SIGN_IN_TOO_OLD unless the person proved who they are within `erasure_sign_in_minutes` (15). The token's own
 * times say nothing: it is renewed without anybody at the keyboard. Its session knows when a password or a code was given.
 * The token must have been accepted by the Auth server before.
 */
export async function requireRecentSignIn(
  sql: Sql,
  { userId, headers }: { userId: string; headers: Headers },
): Promise<void> {
  const sessionId = sessionOf(headers.get('authorization') ?? '');
  const [row] = await sql`
    with asked as (select backup.setting_int('erasure_sign_in_minutes', 15) as minutes)
    select asked.minutes, coalesce((
      select greatest(s.created_at, (
        select max(c.updated_at) from auth.mfa_amr_claims c
        where c.session_id = s.id and c.authentication_method <> 'token_refresh'))
      from auth.sessions s where s.id = ${sessionId}::uuid and s.user_id = ${userId}::uuid
    ) > pg_catalog.clock_timestamp() - pg_catalog.make_interval(mins => asked.minutes), false) as recent
    from asked`;
  if (row!.recent === true) return;
  throw ERRORS.SIGN_IN_TOO_OLD(`the last sign-in of this session must not be older than ${row!.minutes} minutes`);
}

function sessionOf(authorization: string): string | null {
  try {
    const payload = authorization.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
    const { session_id: id } = JSON.parse(atob(payload)) as { session_id?: unknown };
    return typeof id === 'string' && UUID.test(id) ? id : null;
  } catch {
    return null; // a token without a session, or none: nobody signed in with it
  }
}
