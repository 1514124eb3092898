import { z } from 'zod';
import { ERRORS } from '../errors.ts';
import type { AuthSettings } from './authenticate.ts';
import type { Caller } from './caller.ts';

const AUTH_TIMEOUT_MS = 10_000;

const userSchema = z.object({
  id: z.guid(),
  app_metadata: z.object({ role: z.unknown() }).partial().nullish(),
});

/** The user that a token belongs to. Throws UNAUTHENTICATED when Auth refuses it, AUTH_UNREACHABLE when Auth does not answer. */
export async function askAuthServer(token: string, settings: AuthSettings): Promise<Caller> {
  const response = await requestUser(token, settings);
  if (response.status === 429 || response.status >= 500) throw unreachable(`it answered ${response.status}`);
  if (response.status !== 200) throw ERRORS.UNAUTHENTICATED('the access token is invalid, expired or revoked');
  const user = userSchema.safeParse(await readJson(response));
  if (!user.success) throw unreachable('its answer is not a user');
  const role = user.data.app_metadata?.role;
  return { kind: 'user', userId: user.data.id, role: typeof role === 'string' ? role : null };
}

async function requestUser(token: string, settings: AuthSettings): Promise<Response> {
  try {
    return await (settings.fetch ?? fetch)(`${settings.supabaseUrl.replace(/\/+$/, '')}/auth/v1/user`, {
      headers: { apikey: settings.anonKey, authorization: `Bearer ${token}` },
      redirect: 'error',
      signal: AbortSignal.timeout(AUTH_TIMEOUT_MS),
    });
  } catch (cause) {
    throw unreachable('the request failed', cause);
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (cause) {
    throw unreachable('its answer is not JSON', cause);
  }
}

function unreachable(because: string, cause?: unknown) {
  return ERRORS.AUTH_UNREACHABLE(`the Auth server cannot say whose token this is: ${because}`, { cause });
}
