/** Who a user id is, and what their token would say: policies may ask for it. */
import type { Subject } from '../domain/subject.ts';
import type { Sql } from '../postgres/open-driver.ts';

export interface KnownSubject {
  readonly subject: Subject;
  /** As the Auth server writes them into a token, for openSubjectRows(). */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** null when there is no such user. The id must be a uuid. Throws the driver's errors. */
export async function readSubject(sql: Sql, id: string): Promise<KnownSubject | null> {
  const [user] = await sql<{ id: string; email: string | null; phone: string | null; app: unknown; own: unknown }[]>`
    select id, nullif(email, '') as email, nullif(phone, '') as phone, raw_app_meta_data as app, raw_user_meta_data as own
    from auth.users where id = ${id}`;
  if (user === undefined) return null;
  const { app, own, ...subject } = user;
  const claims = {
    aud: 'authenticated',
    email: subject.email ?? '',
    phone: subject.phone ?? '',
    app_metadata: app ?? {},
    user_metadata: own ?? {},
    aal: 'aal1',
    is_anonymous: false,
  };
  return { subject, claims };
}
