/**
 * Configuration is parsed once, by entry files, into typed values. All problems are reported in one CONFIG_INVALID;
 * a value that breaks its rule never becomes the default. The rules are in config/variables.ts. Without zod, whose
 * evaluation costs 50 ms of a worker's CPU at every cold start.
 */
import { type Environment, EnvironmentReader } from './config/environment-reader.ts';
import type { Secret } from './config/secret.ts';
import type { VariableName } from './config/variables.ts';
import type { S3Options } from './stores/s3-options.ts';

export type { ConfigProblem, Environment } from './config/environment-reader.ts';
export { Secret } from './config/secret.ts';

/** What createS3Store() takes. */
export interface StoreConfig extends S3Options {
  readonly prefix: string;
  readonly secretAccessKey: Secret;
}

export interface SigningKey {
  readonly armored: Secret;
  readonly passphrase: Secret | null;
}

export interface LimitsConfig {
  readonly sliceBytes: number;
  readonly maxRowBytes: number;
  /** 0: no backup is made in a single call. */
  readonly singleCallBytes: number;
}

export interface FunctionConfig {
  readonly supabaseUrl: string;
  readonly databaseUrl: Secret;
  /** Every key that an operator may call with. */
  readonly serviceKeys: readonly Secret[];
  readonly anonKey: string | null;
  readonly store: StoreConfig;
  /** Armored, one or more blocks; null only where unencrypted backups are allowed. */
  readonly publicKeys: string | null;
  readonly signingKey: SigningKey | null;
  readonly allowUnencrypted: boolean;
  readonly limits: LimitsConfig;
}

export interface ScriptConfig {
  readonly databaseUrl: Secret;
  /** null when no store variable is set: the script then needs --out. */
  readonly store: StoreConfig | null;
  readonly publicKeys: string | null;
  /** To be read by the script; only set when `publicKeys` is null. */
  readonly publicKeysFile: string | null;
  readonly signingKey: SigningKey | null;
  /** To be read by the script; only set when `signingKey` is null. */
  readonly signingKeyFile: string | null;
  readonly signingKeyPassphrase: Secret | null;
  readonly allowUnencrypted: boolean;
}

/** What a restore reads; the backup may also come from a directory or a file, the keys from files of the command line. */
export interface RestoreConfig {
  readonly targetUrl: Secret | null;
  /** null when no store variable is set. */
  readonly store: StoreConfig | null;
  readonly privateKeys: Secret | null;
  /** To be read by the script; only set when `privateKeys` is null. */
  readonly privateKeysFile: string | null;
  readonly passphrase: Secret | null;
  /** Public keys that the manifest's signature is checked with. */
  readonly verifyKeys: string | null;
  /** To be read by the script; only set when `verifyKeys` is null. */
  readonly verifyKeysFile: string | null;
}

/** What the function backup-restore reads besides a function's own; the keys are the owner's choice to give. */
export interface DrillConfig {
  readonly privateKeys: Secret | null;
  readonly passphrase: Secret | null;
  /** Public keys that the manifest's signature is checked with. */
  readonly verifyKeys: string | null;
  readonly testDatabaseUrl: Secret | null;
}

const STORE_VARIABLES = [
  'BACKUP_S3_ENDPOINT',
  'BACKUP_S3_REGION',
  'BACKUP_S3_BUCKET',
  'BACKUP_S3_PREFIX',
  'BACKUP_S3_ACCESS_KEY_ID',
  'BACKUP_S3_SECRET_ACCESS_KEY',
  'BACKUP_S3_SSE',
  'BACKUP_S3_KMS_KEY_ID',
  'BACKUP_S3_STORAGE_CLASS',
  'BACKUP_S3_OBJECT_LOCK_DAYS',
] as const satisfies VariableName[];

/** Throws CONFIG_INVALID with all problems in details.problems. */
export function parseStoreConfig(environment: Environment): StoreConfig {
  const reader = new EnvironmentReader(environment);
  return reader.done(readStore(reader));
}

/** Throws CONFIG_INVALID with all problems in details.problems. */
export function parseFunctionConfig(environment: Environment): FunctionConfig {
  const reader = new EnvironmentReader(environment);
  const publicKeys = reader.optional('BACKUP_PGP_PUBLIC_KEYS')?.reveal() ?? null;
  const allowUnencrypted = reader.optional('BACKUP_ALLOW_UNENCRYPTED') === 'true';
  if (!reader.isSet('BACKUP_PGP_PUBLIC_KEYS') && !allowUnencrypted) {
    reader.report('BACKUP_PGP_PUBLIC_KEYS', "must be set, unless BACKUP_ALLOW_UNENCRYPTED is 'true'");
  }
  return reader.done({
    supabaseUrl: reader.required('SUPABASE_URL'),
    databaseUrl: reader.required('SUPABASE_DB_URL'),
    serviceKeys: readServiceKeys(reader),
    anonKey: reader.optional('SUPABASE_ANON_KEY') ?? null,
    store: readStore(reader),
    publicKeys,
    signingKey: readSigningKey(reader),
    allowUnencrypted,
    limits: readLimits(reader),
  });
}

/** Who may read metrics: the token for them, and every service key. Throws CONFIG_INVALID. */
export function parseMetricsTokens(environment: Environment): Secret[] {
  const reader = new EnvironmentReader(environment);
  const token = reader.optional('BACKUP_METRICS_TOKEN');
  return reader.done([...(token ? [token] : []), ...readServiceKeys(reader)]);
}

/** Throws CONFIG_INVALID with all problems in details.problems. */
export function parseScriptConfig(environment: Environment): ScriptConfig {
  const reader = new EnvironmentReader(environment);
  refuseBoth(reader, 'BACKUP_PGP_PUBLIC_KEYS', 'BACKUP_PGP_PUBLIC_KEYS_FILE');
  refuseBoth(reader, 'BACKUP_SIGNING_KEY', 'BACKUP_SIGNING_KEY_FILE');
  return reader.done({
    databaseUrl: reader.required('DATABASE_URL'),
    store: STORE_VARIABLES.some((name) => reader.isSet(name)) ? readStore(reader) : null,
    publicKeys: reader.optional('BACKUP_PGP_PUBLIC_KEYS')?.reveal() ?? null,
    publicKeysFile: reader.optional('BACKUP_PGP_PUBLIC_KEYS_FILE') ?? null,
    signingKey: readSigningKey(reader),
    signingKeyFile: reader.optional('BACKUP_SIGNING_KEY_FILE') ?? null,
    signingKeyPassphrase: reader.optional('BACKUP_SIGNING_KEY_PASSPHRASE') ?? null,
    allowUnencrypted: reader.optional('BACKUP_ALLOW_UNENCRYPTED') === 'true',
  });
}

/** Throws CONFIG_INVALID with all problems in details.problems. */
export function parseRestoreConfig(environment: Environment): RestoreConfig {
  const reader = new EnvironmentReader(environment);
  refuseBoth(reader, 'BACKUP_PGP_PRIVATE_KEYS', 'BACKUP_PGP_PRIVATE_KEYS_FILE');
  refuseBoth(reader, 'BACKUP_VERIFY_KEYS', 'BACKUP_VERIFY_KEYS_FILE');
  return reader.done({
    targetUrl: reader.optional('RESTORE_TARGET_URL') ?? null,
    store: STORE_VARIABLES.some((name) => reader.isSet(name)) ? readStore(reader) : null,
    privateKeys: reader.optional('BACKUP_PGP_PRIVATE_KEYS') ?? null,
    privateKeysFile: reader.optional('BACKUP_PGP_PRIVATE_KEYS_FILE') ?? null,
    passphrase: reader.optional('BACKUP_PGP_PASSPHRASE') ?? null,
    verifyKeys: reader.optional('BACKUP_VERIFY_KEYS')?.reveal() ?? null,
    verifyKeysFile: reader.optional('BACKUP_VERIFY_KEYS_FILE') ?? null,
  });
}

/** Throws CONFIG_INVALID with all problems in details.problems. */
export function parseDrillConfig(environment: Environment): DrillConfig {
  const reader = new EnvironmentReader(environment);
  return reader.done({
    privateKeys: reader.optional('BACKUP_PGP_PRIVATE_KEYS') ?? null,
    passphrase: reader.optional('BACKUP_PGP_PASSPHRASE') ?? null,
    verifyKeys: reader.optional('BACKUP_VERIFY_KEYS')?.reveal() ?? null,
    testDatabaseUrl: reader.optional('RESTORE_TEST_DATABASE_URL') ?? null,
  });
}

function readStore(reader: EnvironmentReader): StoreConfig {
  const region = reader.required('BACKUP_S3_REGION');
  const sse = reader.optional('BACKUP_S3_SSE');
  if (reader.isSet('BACKUP_S3_KMS_KEY_ID') && sse !== 'aws:kms') {
    reader.report('BACKUP_S3_KMS_KEY_ID', "must be set only with BACKUP_S3_SSE 'aws:kms'");
  }
  return {
    endpoint: reader.optional('BACKUP_S3_ENDPOINT') ?? `https://s3.${region}.amazonaws.com`,
    region,
    bucket: reader.required('BACKUP_S3_BUCKET'),
    prefix: reader.required('BACKUP_S3_PREFIX'),
    accessKeyId: reader.required('BACKUP_S3_ACCESS_KEY_ID'),
    secretAccessKey: reader.required('BACKUP_S3_SECRET_ACCESS_KEY'),
    sse,
    kmsKeyId: reader.optional('BACKUP_S3_KMS_KEY_ID'),
    storageClass: reader.optional('BACKUP_S3_STORAGE_CLASS'),
    objectLockDays: reader.optional('BACKUP_S3_OBJECT_LOCK_DAYS'),
  };
}

function readServiceKeys(reader: EnvironmentReader): Secret[] {
  const legacy = reader.optional('SUPABASE_SERVICE_ROLE_KEY');
  const named = reader.optional('SUPABASE_SECRET_KEYS');
  const keys = [...(legacy ? [legacy] : []), ...(named ?? [])];
  const isBroken = named === undefined && reader.isSet('SUPABASE_SECRET_KEYS');
  if (keys.length === 0 && !isBroken) {
    reader.report('SUPABASE_SERVICE_ROLE_KEY', 'must be set, or SUPABASE_SECRET_KEYS must hold a key');
  }
  return keys;
}

function readSigningKey(reader: EnvironmentReader): SigningKey | null {
  const armored = reader.optional('BACKUP_SIGNING_KEY');
  return armored ? { armored, passphrase: reader.optional('BACKUP_SIGNING_KEY_PASSPHRASE') ?? null } : null;
}

function readLimits(reader: EnvironmentReader): LimitsConfig {
  return {
    sliceBytes: reader.required('BACKUP_SLICE_BYTES'),
    maxRowBytes: reader.required('BACKUP_MAX_ROW_BYTES'),
    singleCallBytes: reader.required('BACKUP_SINGLE_CALL_BYTES'),
  };
}

function refuseBoth(reader: EnvironmentReader, value: VariableName, file: VariableName): void {
  if (reader.isSet(value) && reader.isSet(file)) reader.report(file, `must not be set together with ${value}`);
}
