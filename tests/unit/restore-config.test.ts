import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { ConfigProblem } from '../../supabase/functions/_shared/config.ts';
import { parseRestoreConfig } from '../../supabase/functions/_shared/config.ts';
import { HoldfastError } from '../../supabase/functions/_shared/errors.ts';

const armor = (kind: 'PUBLIC' | 'PRIVATE') =>
  `-----BEGIN PGP ${kind} KEY BLOCK-----\n\nmQINBGV4\n=AbCd\n-----END PGP ${kind} KEY BLOCK-----\n`;

const parse = (values: Record<string, string>) => parseRestoreConfig((name) => values[name]);

function refusedVariables(values: Record<string, string>): string[] {
  try {
    parse(values);
  } catch (error) {
    assert.ok(error instanceof HoldfastError && error.code === 'CONFIG_INVALID');
    return (error.details.problems as ConfigProblem[]).map(({ variable }) => variable);
  }
  throw new Error('configuration was accepted');
}

test('a restore needs no variable at all: target, store and keys may come from the command line', () => {
  const config = parse({});
  assert.deepEqual(Object.values(config), [null, null, null, null, null, null, null]);
});

test('keys, passphrase and target are read, and show themselves only when asked', () => {
  const config = parse({
    RESTORE_TARGET_URL: 'postgres://me:targetpass@db/x',
    BACKUP_PGP_PRIVATE_KEYS: armor('PRIVATE') + armor('PRIVATE'),
    BACKUP_PGP_PASSPHRASE: 'open sesame',
    BACKUP_VERIFY_KEYS: armor('PUBLIC'),
  });
  assert.equal(config.targetUrl?.reveal(), 'postgres://me:targetpass@db/x');
  assert.equal(config.privateKeys?.reveal().match(/BEGIN PGP PRIVATE/g)?.length, 2);
  assert.equal(config.passphrase?.reveal(), 'open sesame');
  assert.equal(config.verifyKeys, armor('PUBLIC'));
  const shown = inspect(config, { depth: 9 }) + JSON.stringify(config);
  for (const secret of ['targetpass', 'open sesame', 'PRIVATE KEY'])
    assert.equal(shown.includes(secret), false, secret);
});

test('all problems are reported at once: bad armor, both of a value and its file, a bad target, half a store', () => {
  const found = refusedVariables({
    RESTORE_TARGET_URL: 'mysql://x',
    BACKUP_PGP_PRIVATE_KEYS: armor('PUBLIC'),
    BACKUP_VERIFY_KEYS: 'key',
    BACKUP_VERIFY_KEYS_FILE: '/keys.asc',
    BACKUP_S3_BUCKET: 'backups',
  });
  assert.deepEqual(
    new Set(found),
    new Set([
      ...['RESTORE_TARGET_URL', 'BACKUP_PGP_PRIVATE_KEYS', 'BACKUP_VERIFY_KEYS', 'BACKUP_VERIFY_KEYS_FILE'],
      ...['BACKUP_S3_ACCESS_KEY_ID', 'BACKUP_S3_SECRET_ACCESS_KEY'],
    ]),
  );
});
