/** The Auth server's HTTP interface, as far as backups, restores and exports use it. Mounted at /auth/v1. */
import { randomBytes, randomUUID } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type postgres from 'postgres';
import { type Caller, identify } from './api-identity.ts';
import { type ApiKeys, signJwt } from './api-keys.ts';
import { type AuthUserRow, authUserJson } from './auth-user.ts';

export interface AuthApiOptions {
  /** Superuser connection to the project's database. */
  readonly sql: postgres.Sql;
  readonly keys: ApiKeys;
  /** The `iss` of the tokens it gives: `<SUPABASE_URL>/auth/v1`. */
  issuer(): string;
}

const ACCESS_TOKEN_SECONDS = 3600;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** An error as the Auth server writes it. */
class AuthFailure extends HTTPException {
  constructor(status: 400 | 401 | 403 | 404, code: string, message: string) {
    super(status, { res: Response.json({ code: status, error_code: code, msg: message }, { status }) });
  }
}

export function authApi({ sql, keys, issuer }: AuthApiOptions): Hono {
  const app = new Hono().basePath('/auth/v1');
  app.get('/health', (context) =>
    context.json({
      version: 'v2.189.0',
      name: 'GoTrue',
      description: 'GoTrue is a user registration and authentication API',
    }),
  );
  app.get('/.well-known/jwks.json', (context) => context.json({ keys: [] }));
  app.get('/user', async (context) => context.json(authUserJson(await currentUser(context))));
  app.post('/token', async (context) => context.json(await signIn(context)));
  app.post('/logout', async (context) => {
    const user = await currentUser(context);
    await sql`delete from auth.sessions where user_id = ${user.id}`;
    return context.body(null, 204);
  });
  app.get('/admin/users/:id', async (context) => context.json(authUserJson(await userForAdmin(context))));
  app.delete('/admin/users/:id', async (context) => {
    const user = await userForAdmin(context);
    await sql`delete from auth.users where id = ${user.id}`;
    return context.json({});
  });
  app.notFound((context) => context.json({ code: 404, error_code: 'not_found', msg: 'Not found' }, 404));
  app.onError((error) =>
    error instanceof AuthFailure
      ? error.getResponse()
      : Response.json({ code: 500, error_code: 'unexpected_failure', msg: error.message }, { status: 500 }),
  );
  return app;

  async function currentUser(context: Context): Promise<AuthUserRow> {
    const { claims } = await bearer(context.req.raw.headers, keys);
    if (!UUID.test(claims.sub ?? '')) throw new AuthFailure(403, 'bad_jwt', 'invalid claim: missing sub claim');
    const user = await findUser(claims.sub as string);
    if (!user) throw new AuthFailure(403, 'user_not_found', 'User from sub claim in JWT does not exist');
    if (typeof claims.session_id === 'string') {
      const [session] = await sql`select from auth.sessions where id::text = ${claims.session_id}`;
      if (!session)
        throw new AuthFailure(403, 'session_not_found', 'Session from session_id claim in JWT does not exist');
    }
    return user;
  }

  async function userForAdmin(context: Context): Promise<AuthUserRow> {
    const { role } = await bearer(context.req.raw.headers, keys);
    if (role !== 'service_role') throw new AuthFailure(403, 'not_admin', 'User not allowed');
    const id = context.req.param('id') ?? '';
    if (!UUID.test(id)) throw new AuthFailure(404, 'validation_failed', 'user_id must be an UUID');
    const user = await findUser(id);
    if (!user) throw new AuthFailure(404, 'user_not_found', 'User not found');
    return user;
  }

  async function findUser(id: string): Promise<AuthUserRow | undefined> {
    const [user] = await sql<AuthUserRow[]>`select * from auth.users where id = ${id} and deleted_at is null`;
    return user;
  }

  async function signIn(context: Context) {
    if (context.req.query('grant_type') !== 'password') {
      throw new AuthFailure(400, 'unsupported_grant_type', 'unsupported_grant_type');
    }
    const body: { email?: unknown; password?: unknown } = await context.req.json().catch(() => {
      throw new AuthFailure(400, 'bad_json', 'Could not parse request body as JSON');
    });
    const [user] = await sql<AuthUserRow[]>`
      select * from auth.users
      where lower(email) = lower(${String(body?.email ?? '')}) and deleted_at is null and not is_sso_user
        and encrypted_password <> ''
        and encrypted_password = extensions.crypt(${String(body?.password ?? '')}, encrypted_password)`;
    if (!user) throw new AuthFailure(400, 'invalid_credentials', 'Invalid login credentials');
    return beginSession(user);
  }

  async function beginSession(user: AuthUserRow) {
    const sessionId = randomUUID();
    const refreshToken = randomBytes(9).toString('base64url');
    await sql.begin(async (transaction) => {
      await transaction`insert into auth.sessions (id, user_id, created_at, updated_at, aal)
        values (${sessionId}, ${user.id}, now(), now(), 'aal1')`;
      await transaction`insert into auth.refresh_tokens (token, user_id, revoked, created_at, updated_at, session_id)
        values (${refreshToken}, ${user.id}, false, now(), now(), ${sessionId})`;
      await transaction`update auth.users set last_sign_in_at = now() where id = ${user.id}`;
    });
    const claims = { ...userClaims(user), session_id: sessionId };
    const options = { jwtSecret: keys.jwtSecret, issuer: issuer(), lifetime: `${ACCESS_TOKEN_SECONDS} seconds` };
    return {
      access_token: await signJwt(claims, options),
      token_type: 'bearer',
      expires_in: ACCESS_TOKEN_SECONDS,
      expires_at: Math.floor(Date.now() / 1000) + ACCESS_TOKEN_SECONDS,
      refresh_token: refreshToken,
      user: authUserJson(user),
    };
  }
}

/** The claims of a user's access token, without those of the token itself. */
export function userClaims(user: Pick<AuthUserRow, 'id' | 'email' | 'raw_app_meta_data' | 'raw_user_meta_data'>) {
  return {
    sub: user.id,
    aud: 'authenticated',
    role: 'authenticated',
    email: user.email ?? '',
    phone: '',
    app_metadata: user.raw_app_meta_data ?? {},
    user_metadata: user.raw_user_meta_data ?? {},
    aal: 'aal1',
    is_anonymous: false,
  };
}

async function bearer(headers: Headers, keys: ApiKeys): Promise<Caller> {
  if (!headers.has('authorization')) {
    throw new AuthFailure(401, 'no_authorization', 'This endpoint requires a valid Bearer token');
  }
  return identify(headers, keys).catch((error: Error) => {
    throw new AuthFailure(403, 'bad_jwt', `invalid JWT: unable to parse or verify signature, ${error.message}`);
  });
}
