import { normalizeArmor } from './pgp-armor.ts';
import { Secret } from './secret.ts';
import { choiceVariable, integerVariable, secretVariable, textVariable, type Variable } from './variable.ts';

const anyText = (raw: string) => raw;

/** Every environment variable that Holdfast reads: the source of the parsers and of docs/reference/configuration.md. */
export const VARIABLES = {
  SUPABASE_URL: urlVariable({ group: 'project', help: 'URL of the project; the platform sets it.' }),
  SUPABASE_DB_URL: databaseVariable({
    group: 'project',
    help: 'Connection URL of the project database; the platform sets it.',
  }),
  SUPABASE_SERVICE_ROLE_KEY: secretVariable({
    group: 'project',
    help: 'The legacy service key; the platform sets it. Operators may call with it.',
    rule: 'a key',
    accept: anyText,
  }),
  SUPABASE_SECRET_KEYS: secretKeysVariable(),
  SUPABASE_ANON_KEY: textVariable({
    group: 'project',
    help: 'The public key of the project, to ask its Auth about a user; the platform sets it.',
    rule: 'a key without spaces',
    pattern: /^\S+$/,
  }),

  BACKUP_S3_ENDPOINT: urlVariable({
    group: 'store',
    help: 'Where the S3-compatible store answers; without it, Amazon S3 in the region. Buckets are addressed by path.',
  }),
  BACKUP_S3_REGION: textVariable({
    group: 'store',
    help: 'Region that requests are signed for.',
    rule: 'a region name of letters, digits and hyphens',
    pattern: /^[A-Za-z0-9-]{1,64}$/,
    default: 'us-east-1',
  }),
  BACKUP_S3_BUCKET: textVariable({
    group: 'store',
    help: 'Bucket that the backups go to.',
    rule: 'a bucket name of 3 to 63 letters, digits, dots, hyphens and underscores',
    pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/,
  }),
  BACKUP_S3_PREFIX: prefixVariable(),
  BACKUP_S3_ACCESS_KEY_ID: textVariable({
    group: 'store',
    help: 'Access key that may put, get, list and delete below the prefix.',
    rule: 'an access key id without spaces',
    pattern: /^[^\s/]{1,128}$/,
  }),
  BACKUP_S3_SECRET_ACCESS_KEY: secretVariable({
    group: 'store',
    help: 'The secret of the access key.',
    rule: 'a secret access key without spaces',
    accept: (raw) => (/^\S+$/.test(raw) ? raw : undefined),
  }),
  BACKUP_S3_SSE: choiceVariable({
    group: 'store',
    help: 'Encryption at rest to ask the store for, on top of the OpenPGP encryption.',
    choices: ['AES256', 'aws:kms'],
  }),
  BACKUP_S3_KMS_KEY_ID: textVariable({
    group: 'store',
    help: "Key for BACKUP_S3_SSE='aws:kms'; the bucket's default key without it.",
    rule: 'a key id or ARN without spaces',
    pattern: /^\S{1,2048}$/,
  }),
  BACKUP_S3_STORAGE_CLASS: textVariable({
    group: 'store',
    help: 'Storage class of new objects. Archive classes that must be thawed (GLACIER, DEEP_ARCHIVE) cannot be verified.',
    rule: 'a storage class in capitals, such as STANDARD_IA',
    pattern: /^[A-Z][A-Z0-9_]{0,63}$/,
  }),
  BACKUP_S3_OBJECT_LOCK_DAYS: integerVariable({
    group: 'store',
    help: 'Days during which nobody may delete or overwrite an object (Object Lock, mode GOVERNANCE); the bucket must have Object Lock enabled.',
    min: 1,
    max: 36_500,
  }),

  BACKUP_PGP_PUBLIC_KEYS: armorVariable({
    group: 'encryption',
    kind: 'PUBLIC',
    help: 'Armored OpenPGP public keys, one after the other; each can open every backup. Literal \\n and base64 of the armor are understood.',
  }),
  BACKUP_SIGNING_KEY: armorVariable({
    group: 'encryption',
    kind: 'PRIVATE',
    help: 'Armored OpenPGP private key that signs the manifests.',
  }),
  BACKUP_SIGNING_KEY_PASSPHRASE: secretVariable({
    group: 'encryption',
    help: 'Passphrase of the signing key.',
    rule: 'a passphrase',
    accept: anyText,
  }),
  BACKUP_PGP_PRIVATE_KEYS: armorVariable({
    group: 'encryption',
    kind: 'PRIVATE',
    help: 'Armored OpenPGP private keys, one after the other, to read backups with; any that fits is used. Only where something is restored.',
  }),
  BACKUP_PGP_PASSPHRASE: secretVariable({
    group: 'encryption',
    help: 'Passphrase of the private keys. A script asks for it on a terminal.',
    rule: 'a passphrase',
    accept: anyText,
  }),
  BACKUP_VERIFY_KEYS: armorVariable({
    group: 'encryption',
    kind: 'PUBLIC',
    help: 'Armored OpenPGP public keys of whoever may sign manifests: a backup that none of them signed is refused.',
  }),
  BACKUP_ALLOW_UNENCRYPTED: choiceVariable({
    group: 'encryption',
    help: "'true' lets backups be made without public keys; never into a store that strangers can read.",
    choices: ['true', 'false'],
    default: 'false',
  }),

  BACKUP_SLICE_BYTES: integerVariable({
    group: 'limits',
    help: 'Raw bytes of table data in one task; the CPU time of a worker call grows with it.',
    min: 65_536,
    max: 67_108_864,
    default: '25165824',
  }),
  BACKUP_MAX_ROW_BYTES: integerVariable({
    group: 'limits',
    help: 'Largest row that a worker takes; a larger one fails the run with a clear error, before it starts where it is found in time.',
    min: 65_536,
    max: 1_073_741_824,
    default: '67108864',
  }),
  BACKUP_SINGLE_CALL_BYTES: integerVariable({
    group: 'limits',
    help: 'A database whose work is below this is backed up by one call in one transaction; its schema counts as 12 MiB and each table that is not empty as 384 KiB besides its rows. 0 turns that off.',
    min: 65_536,
    max: 67_108_864,
    orZero: true,
    default: '33554432',
  }),

  BACKUP_METRICS_TOKEN: secretVariable({
    group: 'monitoring',
    help: 'What a Prometheus scrape job presents as bearer token to read metrics, and nothing else. Without it only service keys may.',
    rule: 'at least 32 characters without spaces',
    accept: (raw) => (/^\S{32,512}$/.test(raw) ? raw : undefined),
  }),

  DATABASE_URL: databaseVariable({ group: 'scripts', help: 'Connection URL of the database to export.' }),
  RESTORE_TARGET_URL: databaseVariable({
    group: 'scripts',
    help: 'Connection URL of the database to restore into; what `--target` says comes first.',
  }),
  RESTORE_TEST_DATABASE_URL: databaseVariable({
    group: 'limits',
    help: "Connection URL of a database on another server, where the function backup-restore makes and drops the scratch databases of its drills; without it they are made on the project's own server. The database itself is only read.",
  }),
  BACKUP_PGP_PUBLIC_KEYS_FILE: fileVariable('A file with what BACKUP_PGP_PUBLIC_KEYS would hold.'),
  BACKUP_SIGNING_KEY_FILE: fileVariable('A file with what BACKUP_SIGNING_KEY would hold.'),
  BACKUP_PGP_PRIVATE_KEYS_FILE: fileVariable('A file with what BACKUP_PGP_PRIVATE_KEYS would hold.'),
  BACKUP_VERIFY_KEYS_FILE: fileVariable('A file with what BACKUP_VERIFY_KEYS would hold.'),
};

export type VariableName = keyof typeof VARIABLES;

function urlVariable(facts: { group: 'project' | 'store'; help: string }): Variable<string> {
  const parse = (raw: string) => {
    const url = URL.canParse(raw) ? new URL(raw) : undefined;
    const isPlain = url && /^https?:$/.test(url.protocol) && !/[@?#\s]/.test(raw) && url.hostname !== '';
    return isPlain ? url.href.replace(/\/+$/, '') : undefined;
  };
  return { ...facts, secret: false, rule: 'an http or https URL without user, query and fragment', parse };
}

/** A URL with a password in it. */
function databaseVariable(facts: { group: 'project' | 'limits' | 'scripts'; help: string }): Variable<Secret> {
  const isDatabase = (raw: string) => /^postgres(ql)?:\/\/\S+$/.test(raw);
  return secretVariable({
    ...facts,
    rule: 'a postgres:// or postgresql:// URL',
    accept: (raw) => (isDatabase(raw) ? raw : undefined),
  });
}

function secretKeysVariable(): Variable<Secret[]> {
  const parse = (raw: string) => {
    const keys = parseJson(raw);
    if (typeof keys !== 'object' || keys === null || Array.isArray(keys)) return undefined;
    const values = Object.values(keys);
    const isKey = (value: unknown): value is string => typeof value === 'string' && value !== '';
    return values.every(isKey) ? values.map((value) => new Secret(value)) : undefined;
  };
  const help = 'The secret keys of the project by name; the platform sets it. Operators may call with any of them.';
  return { group: 'project', secret: true, help, rule: 'a JSON object of keys by name', parse };
}

function prefixVariable(): Variable<string> {
  const parse = (raw: string) => {
    const prefix = raw.replace(/^\/+|\/+$/g, '');
    const isPlain = prefix.split('/').every((segment) => !['', '.', '..'].includes(segment)) || prefix === '';
    return isPlain && !/\p{Cc}/u.test(prefix) && prefix.length <= 256 ? prefix : undefined;
  };
  const help = 'Folder within the bucket that everything goes below.';
  return {
    group: 'store',
    secret: false,
    help,
    rule: "a path of at most 256 characters without '.' and '..'",
    default: '',
    parse,
  };
}

function armorVariable(facts: { group: 'encryption'; kind: 'PUBLIC' | 'PRIVATE'; help: string }): Variable<Secret> {
  const { kind, ...rest } = facts;
  const blocks = kind === 'PUBLIC' ? 'one or more complete PGP PUBLIC KEY BLOCKs' : 'a complete PGP PRIVATE KEY BLOCK';
  return secretVariable({ ...rest, rule: `${blocks} and nothing else`, accept: (raw) => normalizeArmor(raw, kind) });
}

function fileVariable(help: string): Variable<string> {
  return textVariable({ group: 'scripts', help, rule: 'a path', pattern: /^[^\0]+$/ });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // breaks the rule; the parser's message would show the value
  }
}
