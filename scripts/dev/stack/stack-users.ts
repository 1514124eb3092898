/** The four users whose tokens the stack hands out: one per role of the backup plans, and one without a role. */
import type postgres from 'postgres';
import { type ApiKeys, signJwt } from './api-keys.ts';
import { userClaims } from './auth-api.ts';
import { DEMO_PEOPLE } from './database/seed-demo.ts';

/** For POST /auth/v1/token; the same as the demo's other users have. */
export const STACK_USER_PASSWORD = 'holdfast-demo';
const TOKEN_LIFETIME = '7 days';

/** Makes the users where the demo data has not, gives them their roles, and returns JWT_ADMIN and so on. */
export async function makeStackUsers(
  sql: postgres.Sql,
  options: { keys: ApiKeys; issuer: string },
): Promise<Record<string, string>> {
  const { keys, issuer } = options;
  const tokens: Record<string, string> = {};
  for (const [person, { id, email }] of Object.entries(DEMO_PEOPLE)) {
    const role = person === 'user' ? undefined : person;
    const metadata = { provider: 'email', providers: ['email'], ...(role ? { role } : {}) };
    await sql`
      insert into auth.users (
        instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data,
        raw_user_meta_data, created_at, updated_at
      ) values (
        '00000000-0000-0000-0000-000000000000', ${id}, 'authenticated', 'authenticated', ${email},
        extensions.crypt(${STACK_USER_PASSWORD}, extensions.gen_salt('bf', 6)), now(), ${sql.json(metadata)}, '{}', now(), now()
      ) on conflict (id) do update set raw_app_meta_data = excluded.raw_app_meta_data`;
    const claims = userClaims({ id, email, raw_app_meta_data: metadata, raw_user_meta_data: {} });
    const token = await signJwt(claims, { jwtSecret: keys.jwtSecret, issuer, lifetime: TOKEN_LIFETIME });
    tokens[`JWT_${person.toUpperCase()}`] = token;
  }
  return tokens;
}
