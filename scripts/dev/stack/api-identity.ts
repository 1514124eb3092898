/** Who is calling: what the platform's gateway and APIs read from the `apikey` and `Authorization` headers. */
import { timingSafeEqual } from 'node:crypto';
import { type JWTPayload, jwtVerify } from 'jose';
import type { ApiKeys } from './api-keys.ts';

export interface Caller {
  readonly role: string;
  /** The token's claims, for request.jwt.claims. */
  readonly claims: JWTPayload;
}

/** Verifies an HS256 token of this stack; the error of jose says what is wrong with it. */
export async function verifyJwt(token: string, keys: ApiKeys): Promise<JWTPayload> {
  const { payload } = await jwtVerify(token, new TextEncoder().encode(keys.jwtSecret), { algorithms: ['HS256'] });
  return payload;
}

/** True for any key the project has issued: legacy JWTs and the opaque ones. */
export function isApiKey(candidate: string, keys: ApiKeys): boolean {
  return [keys.anonKey, keys.serviceRoleKey, keys.publishableKey, keys.secretKey].some((key) => equals(candidate, key));
}

/** The token to verify: as on the platform, an opaque key stands for the legacy JWT of its role. */
export function bearerToken(headers: Headers, keys: ApiKeys): string | undefined {
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  const token = bearer ?? headers.get('apikey') ?? undefined;
  if (token !== undefined && equals(token, keys.secretKey)) return keys.serviceRoleKey;
  if (token !== undefined && equals(token, keys.publishableKey)) return keys.anonKey;
  return token;
}

/** Throws what jose throws for a bad token; no token at all is the role `anon`. */
export async function identify(headers: Headers, keys: ApiKeys): Promise<Caller> {
  const token = bearerToken(headers, keys);
  if (token === undefined) return { role: 'anon', claims: { role: 'anon' } };
  const claims = await verifyJwt(token, keys);
  const role = ['anon', 'authenticated', 'service_role'].find((known) => known === claims.role) ?? 'anon';
  return { role, claims };
}

function equals(left: string, right: string): boolean {
  const [a, b] = [left, right].map((text) => new TextEncoder().encode(text));
  return a !== undefined && b !== undefined && a.length === b.length && timingSafeEqual(a, b);
}
