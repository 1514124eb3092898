/** The variables that a stack hands to shells (<dir>/env), and those that its functions see. */
import type { ApiKeys } from './api-keys.ts';
import type { StackKeys } from './keys.ts';

export interface StackFacts {
  /** The gateway's, without a slash at the end. */
  readonly url: string;
  /** Role postgres, and the superuser. */
  readonly databaseUrl: string;
  readonly adminUrl: string;
  readonly s3: {
    readonly endpoint: string;
    readonly region: string;
    readonly bucket: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
  readonly pgpKeys: StackKeys;
  readonly apiKeys: ApiKeys;
  /** JWT_ADMIN and so on. */
  readonly userTokens: Readonly<Record<string, string>>;
}

const S3_PREFIX = 'stack';

export function stackEnv(facts: StackFacts): Record<string, string> {
  const { pgpKeys, apiKeys } = facts;
  return {
    DATABASE_URL: facts.databaseUrl,
    ADMIN_DATABASE_URL: facts.adminUrl,
    SUPABASE_URL: facts.url,
    SUPABASE_ANON_KEY: apiKeys.anonKey,
    SUPABASE_SERVICE_ROLE_KEY: apiKeys.serviceRoleKey,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: apiKeys.secretKey }),
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: apiKeys.publishableKey }),
    SUPABASE_JWT_SECRET: apiKeys.jwtSecret,
    ...facts.userTokens,
    ...s3Env(facts),
    PGP_PUBLIC_KEY_FILE: pgpKeys.publicKeyFile,
    PGP_PRIVATE_KEY_FILE: pgpKeys.privateKeyFile,
    BACKUP_PGP_PUBLIC_KEYS_FILE: pgpKeys.publicKeyFile,
    BACKUP_SIGNING_KEY_FILE: pgpKeys.signingKeyFile,
    BACKUP_SIGNING_PUBLIC_KEY_FILE: pgpKeys.signingPublicKeyFile,
  };
}

/** As on the platform: its own variables, and the project's function secrets. No JWT secret: functions do not get it. */
export function functionEnv(facts: StackFacts): Record<string, string> {
  const { apiKeys } = facts;
  return {
    SUPABASE_URL: facts.url,
    SUPABASE_DB_URL: facts.databaseUrl,
    SUPABASE_ANON_KEY: apiKeys.anonKey,
    SUPABASE_SERVICE_ROLE_KEY: apiKeys.serviceRoleKey,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: apiKeys.secretKey }),
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: apiKeys.publishableKey }),
    SUPABASE_JWKS: JSON.stringify({ keys: [] }),
    SB_REGION: 'eu-central-1',
    ...s3Env(facts),
    BACKUP_PGP_PUBLIC_KEYS: facts.pgpKeys.publicKey,
    BACKUP_SIGNING_KEY: facts.pgpKeys.signingKey,
  };
}

function s3Env({ s3 }: StackFacts): Record<string, string> {
  return {
    BACKUP_S3_ENDPOINT: s3.endpoint,
    BACKUP_S3_REGION: s3.region,
    BACKUP_S3_BUCKET: s3.bucket,
    BACKUP_S3_PREFIX: S3_PREFIX,
    BACKUP_S3_ACCESS_KEY_ID: s3.accessKeyId,
    BACKUP_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
  };
}
