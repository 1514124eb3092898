import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { VARIABLES } from '../../supabase/functions/_shared/config/variables.ts';
import {
  type ConfigProblem,
  parseDrillConfig,
  parseFunctionConfig,
  parseMetricsTokens,
  parseScriptConfig,
  parseStoreConfig,
  Secret,
} from '../../supabase/functions/_shared/config.ts';
import { HoldfastError } from '../../supabase/functions/_shared/errors.ts';

const armor = (kind: 'PUBLIC' | 'PRIVATE', data = 'mQINBGV4\nYWJjZGVm\n=AbCd') =>
  `-----BEGIN PGP ${kind} KEY BLOCK-----\n\n${data}\n-----END PGP ${kind} KEY BLOCK-----\n`;

const STORE = {
  BACKUP_S3_ENDPOINT: 'https://s3.example.test:9000/storage/v1/s3/',
  BACKUP_S3_BUCKET: 'backups',
  BACKUP_S3_ACCESS_KEY_ID: 'AKIAEXAMPLE',
  BACKUP_S3_SECRET_ACCESS_KEY: 'very-secret-value',
};

const FUNCTION = {
  ...STORE,
  SUPABASE_URL: 'https://ref.supabase.co',
  SUPABASE_DB_URL: 'postgresql://postgres:dbpassword@db.ref.supabase.co:5432/postgres',
  SUPABASE_SERVICE_ROLE_KEY: 'service-role-key',
  BACKUP_PGP_PUBLIC_KEYS: armor('PUBLIC'),
};

const from = (values: Record<string, string | undefined>) => (name: string) => values[name];

function problemsOf(work: () => unknown): readonly ConfigProblem[] {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof HoldfastError);
    assert.equal(error.code, 'CONFIG_INVALID');
    return error.details.problems as ConfigProblem[];
  }
  throw new Error('configuration was accepted');
}

const variablesOf = (work: () => unknown) => problemsOf(work).map(({ variable }) => variable);

test('a complete environment becomes typed values with the documented defaults', () => {
  const config = parseFunctionConfig(from(FUNCTION));
  assert.deepEqual(config.limits, {
    sliceBytes: 25_165_824,
    maxRowBytes: 67_108_864,
    singleCallBytes: 33_554_432,
  });
  assert.equal(config.databaseUrl.reveal(), FUNCTION.SUPABASE_DB_URL);
  assert.deepEqual(
    config.serviceKeys.map((key) => key.reveal()),
    ['service-role-key'],
  );
  assert.equal(config.store.endpoint, 'https://s3.example.test:9000/storage/v1/s3');
  assert.equal(config.store.region, 'us-east-1');
  assert.equal(config.store.prefix, '');
  assert.equal(config.publicKeys, armor('PUBLIC'));
  assert.equal(config.signingKey, null);
  assert.equal(config.allowUnencrypted, false);
});

test('an empty environment reports everything that is missing, at once', () => {
  assert.deepEqual(
    new Set(variablesOf(() => parseFunctionConfig(() => undefined))),
    new Set([
      ...['BACKUP_PGP_PUBLIC_KEYS', 'SUPABASE_URL', 'SUPABASE_DB_URL', 'SUPABASE_SERVICE_ROLE_KEY'],
      ...['BACKUP_S3_BUCKET', 'BACKUP_S3_ACCESS_KEY_ID', 'BACKUP_S3_SECRET_ACCESS_KEY'],
    ]),
  );
  assert.deepEqual(
    variablesOf(() => parseScriptConfig(() => undefined)),
    ['DATABASE_URL'],
  );
});

const GARBAGE: Record<string, string[]> = {
  SUPABASE_URL: ['ref.supabase.co', 'ftp://x', 'https://user:pw@host', 'https://host?x=1', 'http://'],
  SUPABASE_DB_URL: ['mysql://x', 'postgres', 'postgresql://a b'],
  SUPABASE_SECRET_KEYS: ['{', '[]', '"x"', '{"a":1}', '{"a":""}'],
  BACKUP_S3_REGION: ['eu west', 'a/b'],
  BACKUP_S3_BUCKET: ['ab', 'a/b', '-abc', 'x'.repeat(64)],
  BACKUP_S3_PREFIX: ['a/../b', 'a//b', '..', 'a\u0001b'],
  BACKUP_S3_ACCESS_KEY_ID: ['a b', 'a/b'],
  BACKUP_S3_SECRET_ACCESS_KEY: ['with space'],
  BACKUP_S3_SSE: ['aes256', 'kms', 'true'],
  BACKUP_S3_STORAGE_CLASS: ['standard_ia', 'A B'],
  BACKUP_S3_OBJECT_LOCK_DAYS: ['0', '-1', '1.5', '7d', '1e3', '36501', '0x10', 'NaN'],
  BACKUP_PGP_PUBLIC_KEYS: [
    'key',
    armor('PRIVATE'),
    armor('PUBLIC') + armor('PRIVATE'),
    '-----BEGIN PGP PUBLIC KEY BLOCK-----\ncut off',
  ],
  BACKUP_SIGNING_KEY: ['key', armor('PUBLIC')],
  BACKUP_ALLOW_UNENCRYPTED: ['yes', 'TRUE', '1'],
  BACKUP_SLICE_BYTES: ['65535', '67108865', '32MB', '-1', ' 1 2'],
  BACKUP_MAX_ROW_BYTES: ['0', 'x'],
  BACKUP_SINGLE_CALL_BYTES: ['1', '-0', 'off'],
};

for (const [variable, values] of Object.entries(GARBAGE)) {
  test(`${variable}: garbage is an error that names the rule, never a default`, () => {
    for (const value of values) {
      const problems = problemsOf(() => parseFunctionConfig(from({ ...FUNCTION, [variable]: value })));
      assert.deepEqual(
        problems.map((problem) => problem.variable),
        [variable],
        value,
      );
      assert.match(problems[0]?.rule ?? '', /^must be /);
    }
  });
}

test('every variable that functions read has garbage that is tested, or takes any text', () => {
  const takesAnyText = [
    'SUPABASE_SERVICE_ROLE_KEY',
    'SUPABASE_ANON_KEY',
    'BACKUP_S3_KMS_KEY_ID',
    'BACKUP_SIGNING_KEY_PASSPHRASE',
    'BACKUP_PGP_PASSPHRASE',
  ];
  // The keys of a restore: restore-config.test.ts.
  const elsewhere = [
    ...['BACKUP_S3_ENDPOINT', 'BACKUP_PGP_PRIVATE_KEYS', 'BACKUP_VERIFY_KEYS'],
    ...['RESTORE_TEST_DATABASE_URL', 'BACKUP_METRICS_TOKEN'], // below
  ];
  const tested = [...Object.keys(GARBAGE), ...takesAnyText, ...elsewhere];
  const read = Object.entries(VARIABLES)
    .filter(([, { group }]) => group !== 'scripts')
    .map(([name]) => name);
  assert.deepEqual(
    read.filter((name) => !tested.includes(name)),
    [],
  );
});

test('refused secrets are not shown, wherever they were put', () => {
  const secret = 'hunter2 hunter2';
  for (const name of Object.keys(VARIABLES).filter((key) => VARIABLES[key as keyof typeof VARIABLES].secret)) {
    for (const parse of [parseFunctionConfig, parseScriptConfig]) {
      try {
        parse(from({ ...FUNCTION, DATABASE_URL: FUNCTION.SUPABASE_DB_URL, [name]: secret }));
      } catch (error) {
        assert.doesNotMatch(inspect(error, { depth: 9 }), /hunter2/, name);
      }
    }
  }
  const misplaced = { BACKUP_S3_ENDPOINT: 'https://me:hunter2@host', BACKUP_S3_BUCKET: armor('PRIVATE', 'hunter2') };
  const problems = problemsOf(() => parseStoreConfig(from({ ...STORE, ...misplaced })));
  assert.equal(problems.length, 2);
  assert.doesNotMatch(JSON.stringify(problems), /hunter2/);
});

test('a parsed configuration can be printed without telling a secret', () => {
  const config = parseFunctionConfig(
    from({
      ...FUNCTION,
      BACKUP_SIGNING_KEY: armor('PRIVATE', 'signsecret'),
      BACKUP_SIGNING_KEY_PASSPHRASE: 'open sesame',
    }),
  );
  const printed = `${inspect(config, { depth: 9, showHidden: true })}${JSON.stringify(config)}${String(config.databaseUrl)}`;
  assert.doesNotMatch(printed, /very-secret-value|dbpassword|service-role-key|signsecret|open sesame/);
  assert.equal(`${new Secret('x')}${inspect(new Secret('x'))}${JSON.stringify(new Secret('x'))}`, '******"***"');
});

test('service keys come from the legacy key and from all named keys', () => {
  const keys = JSON.stringify({ default: 'sb_secret_one', other: 'sb_secret_two' });
  const both = parseFunctionConfig(from({ ...FUNCTION, SUPABASE_SECRET_KEYS: keys }));
  assert.deepEqual(
    both.serviceKeys.map((key) => key.reveal()),
    ['service-role-key', 'sb_secret_one', 'sb_secret_two'],
  );
  const named = parseFunctionConfig(
    from({ ...FUNCTION, SUPABASE_SERVICE_ROLE_KEY: undefined, SUPABASE_SECRET_KEYS: keys }),
  );
  assert.equal(named.serviceKeys.length, 2);
  const none = { ...FUNCTION, SUPABASE_SERVICE_ROLE_KEY: undefined, SUPABASE_SECRET_KEYS: '{}' };
  assert.deepEqual(
    variablesOf(() => parseFunctionConfig(from(none))),
    ['SUPABASE_SERVICE_ROLE_KEY'],
  );
});

test('public keys survive what forms for secrets do to line ends', () => {
  const two = armor('PUBLIC') + armor('PUBLIC', 'c2Vjb25k\n=EfGh');
  const mangled = [
    two,
    two.replaceAll('\n', '\\n'),
    two.replaceAll('\n', '\r\n'),
    two.replaceAll('\n', '\\r\\n'),
    btoa(two),
    btoa(two).replace(/(.{20})/g, '$1\n'),
    `  ${two}\n\n`,
    two.trim().replaceAll('\n', ' '),
  ];
  for (const value of mangled) {
    assert.equal(
      parseFunctionConfig(from({ ...FUNCTION, BACKUP_PGP_PUBLIC_KEYS: value })).publicKeys,
      two,
      JSON.stringify(value),
    );
  }
});

test('without public keys a function needs the explicit permission to write unencrypted backups', () => {
  const without = { ...FUNCTION, BACKUP_PGP_PUBLIC_KEYS: undefined };
  assert.deepEqual(
    variablesOf(() => parseFunctionConfig(from(without))),
    ['BACKUP_PGP_PUBLIC_KEYS'],
  );
  const allowed = parseFunctionConfig(from({ ...without, BACKUP_ALLOW_UNENCRYPTED: 'true' }));
  assert.deepEqual([allowed.publicKeys, allowed.allowUnencrypted], [null, true]);
});

test('the store of a script is optional as a whole, and complete when any of it is set', () => {
  const database = { DATABASE_URL: 'postgres://localhost/x' };
  assert.equal(parseScriptConfig(from(database)).store, null);
  assert.equal(parseScriptConfig(from({ ...database, ...STORE })).store?.bucket, 'backups');
  const missing = variablesOf(() => parseScriptConfig(from({ ...database, BACKUP_S3_BUCKET: 'backups' })));
  assert.deepEqual(missing, ['BACKUP_S3_ACCESS_KEY_ID', 'BACKUP_S3_SECRET_ACCESS_KEY']);
});

test('keys are given as text or as a file, not both', () => {
  const database = { DATABASE_URL: 'postgres://localhost/x' };
  assert.equal(
    parseScriptConfig(from({ ...database, BACKUP_PGP_PUBLIC_KEYS_FILE: 'keys.asc' })).publicKeysFile,
    'keys.asc',
  );
  const both = { ...database, BACKUP_PGP_PUBLIC_KEYS: armor('PUBLIC'), BACKUP_PGP_PUBLIC_KEYS_FILE: 'keys.asc' };
  assert.deepEqual(
    variablesOf(() => parseScriptConfig(from(both))),
    ['BACKUP_PGP_PUBLIC_KEYS_FILE'],
  );
});

test('rules between variables: a KMS key needs SSE by KMS; without an endpoint the store is Amazon S3', () => {
  const kms = { ...STORE, BACKUP_S3_KMS_KEY_ID: 'key-1' };
  assert.deepEqual(
    variablesOf(() => parseStoreConfig(from(kms))),
    ['BACKUP_S3_KMS_KEY_ID'],
  );
  assert.equal(parseStoreConfig(from({ ...kms, BACKUP_S3_SSE: 'aws:kms' })).kmsKeyId, 'key-1');
  const amazon = parseStoreConfig(
    from({ ...STORE, BACKUP_S3_ENDPOINT: undefined, BACKUP_S3_REGION: 'eu-west-1', BACKUP_S3_PREFIX: '/a/b/' }),
  );
  assert.deepEqual([amazon.endpoint, amazon.prefix], ['https://s3.eu-west-1.amazonaws.com', 'a/b']);
});

test('an empty or blank value counts as not set', () => {
  assert.equal(
    parseFunctionConfig(from({ ...FUNCTION, BACKUP_SLICE_BYTES: ' ', BACKUP_S3_SSE: '' })).limits.sliceBytes,
    25_165_824,
  );
});

test('any text in any variable is either accepted or CONFIG_INVALID, never another error', () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(VARIABLES)), fc.string({ unit: 'binary' }), (name, value) => {
      for (const parse of [parseFunctionConfig, parseScriptConfig]) {
        try {
          parse(from({ ...FUNCTION, DATABASE_URL: 'postgres://x/y', [name]: value }));
        } catch (error) {
          assert.equal((error as HoldfastError).code, 'CONFIG_INVALID');
        }
      }
    }),
  );
});

test('drills need no key and no other server, and refuse what is neither', () => {
  const none = { privateKeys: null, passphrase: null, verifyKeys: null, testDatabaseUrl: null };
  assert.deepEqual(
    parseDrillConfig(() => undefined),
    none,
  );
  for (const [name, value] of [
    ['RESTORE_TEST_DATABASE_URL', 'mysql://x'],
    ['BACKUP_PGP_PRIVATE_KEYS', armor('PUBLIC')],
    ['BACKUP_VERIFY_KEYS', armor('PRIVATE')],
  ] as const)
    assert.deepEqual(
      variablesOf(() => parseDrillConfig(from({ [name]: value }))),
      [name],
    );
});

test('metrics are read with the service keys, and with a token of their own when it is long enough to be one', () => {
  const token = 'm'.repeat(32);
  const reveal = (values: Record<string, string>) => parseMetricsTokens(from(values)).map((one) => one.reveal());
  assert.deepEqual(reveal(FUNCTION), ['service-role-key']);
  assert.deepEqual(reveal({ ...FUNCTION, BACKUP_METRICS_TOKEN: token }), [token, 'service-role-key']);
  for (const value of ['m'.repeat(31), `${token} ${token}`, 'm'.repeat(513)])
    assert.deepEqual(
      variablesOf(() => reveal({ ...FUNCTION, BACKUP_METRICS_TOKEN: value })),
      ['BACKUP_METRICS_TOKEN'],
    );
});
