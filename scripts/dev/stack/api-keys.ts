/** The API keys and user tokens of one stack, shaped as the platform's. */
import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';

export interface ApiKeys {
  readonly jwtSecret: string;
  /** Legacy keys: JWTs that carry a role. */
  readonly anonKey: string;
  readonly serviceRoleKey: string;
  /** New keys: opaque strings that only the gateway and our code understand. */
  readonly publishableKey: string;
  readonly secretKey: string;
}

const TEN_YEARS = '3650 days';

export async function makeApiKeys(): Promise<ApiKeys> {
  const jwtSecret = randomBytes(32).toString('base64url');
  return {
    jwtSecret,
    anonKey: await signJwt({ role: 'anon' }, { jwtSecret, issuer: 'supabase', lifetime: TEN_YEARS }),
    serviceRoleKey: await signJwt({ role: 'service_role' }, { jwtSecret, issuer: 'supabase', lifetime: TEN_YEARS }),
    publishableKey: `sb_publishable_${randomBytes(24).toString('base64url')}`,
    secretKey: `sb_secret_${randomBytes(24).toString('base64url')}`,
  };
}

/** An HS256 token. `lifetime` as jose understands it: '7 days'. */
export function signJwt(
  claims: Record<string, unknown>,
  options: { jwtSecret: string; issuer: string; lifetime: string },
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(options.issuer)
    .setIssuedAt()
    .setExpirationTime(options.lifetime)
    .sign(new TextEncoder().encode(options.jwtSecret));
}
