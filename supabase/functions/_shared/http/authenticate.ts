/**
 * Proves who calls: the service key (header `apikey`, or as Bearer), else a user's access token.
 * Tokens are shown to the project's Auth server, so that revoked sessions, deleted users and rotated keys are its business.
 */
import { ERRORS } from '../errors.ts';
import { askAuthServer } from './ask-auth-server.ts';
import { type Authenticate, SERVICE } from './caller.ts';
import { matchSecret } from './match-secret.ts';

export interface AuthSettings {
  /** Base URL of the project, as in SUPABASE_URL. */
  readonly supabaseUrl: string;
  /** The anon or publishable key, which the gateway asks of every caller of Auth. */
  readonly anonKey: string;
  /** The legacy service_role key and every secret key. */
  readonly serviceKeys: readonly string[];
  readonly fetch?: typeof fetch;
}

/** Longer than any token Auth issues; a longer one is refused without asking. */
const TOKEN_MAX_CHARS = 16 * 1024;

/** Throws UNAUTHENTICATED for missing or wrong credentials, AUTH_UNREACHABLE when Auth does not answer. */
export function createAuthenticator(settings: AuthSettings): Authenticate {
  return async (headers) => {
    const apikey = headers.get('apikey');
    const token = bearerToken(headers.get('authorization'));
    const presented = [apikey, token].filter((secret) => secret !== null);
    // Both are compared, whatever the first says: see matchSecret.
    const matches = presented.map((secret) => matchSecret(secret, settings.serviceKeys));
    if (matches.includes(true)) return SERVICE;
    if (token === null) {
      throw ERRORS.UNAUTHENTICATED(
        apikey === null ? 'the request carries no credentials' : 'the apikey is not the service key',
      );
    }
    if (!looksLikeToken(token))
      throw ERRORS.UNAUTHENTICATED('the bearer token is neither the service key nor an access token');
    return await askAuthServer(token, settings);
  };
}

function bearerToken(header: string | null): string | null {
  return /^Bearer +(\S+)$/i.exec(header?.trim() ?? '')?.[1] ?? null;
}

/** Three base64url parts; what they say is for Auth to judge. */
function looksLikeToken(token: string): boolean {
  return token.length <= TOKEN_MAX_CHARS && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
}
