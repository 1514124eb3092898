import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSecretColumn } from '../../../supabase/functions/_shared/account/secret-columns.ts';

const secret = (name: string, type = 'text', schema = 'public', table = 'things') =>
  isSecretColumn({ schema, table, name, type });

test('columns that let somebody in are secrets, in whatever style they are named', () => {
  const names = [
    ...['password', 'password_hash', 'PasswordHash', 'encrypted_password', 'hashed_password', 'passwd', 'user_pwd'],
    ...['secret', 'client_secret', 'clientSecret', 'Client Secret', 'webhook-secret', 'secret_value', 'totp_secret'],
    ...['token', 'access_token', 'refreshToken', 'reset_token', 'token_hash', 'push_token', 'session_tokens'],
    ...['api_key', 'apiKey', 'APIKey', 'api_keys', 'private_key', 'privateKey', 'ssh_key', 'api_key_hash'],
    ...['backup_codes', 'backupCodes', 'recovery_code', 'otp_code', 'pin', 'cvv', 'salt', 'seed_phrase'],
  ];
  for (const name of names) assert.equal(secret(name), true, name);
});

test('words that only look alike are no secrets', () => {
  const names = [
    'secretary',
    'tokenizer',
    'tokens',
    'keyboard',
    'spin',
    'opinion',
    'passport_country',
    'note',
    'monkey',
  ];
  for (const name of names) assert.equal(secret(name), false, name);
  assert.equal(secret('password_changed_at', 'timestamp with time zone'), false);
  assert.equal(secret('token_count', 'integer'), false);
  assert.equal(secret('token', 'numeric(10,2)'), false);
  assert.equal(secret('token', 'timestamp(3) with time zone'), false);
  assert.equal(secret('has_password', 'boolean'), false);
  assert.equal(secret('pin', 'integer'), true);
});

test('of the Auth server only known columns leave, and of the vault none', () => {
  assert.equal(secret('email', 'character varying', 'auth', 'users'), false);
  assert.equal(secret('encrypted_password', 'character varying', 'auth', 'users'), true);
  assert.equal(secret('some_new_column', 'text', 'auth', 'users'), true);
  assert.equal(secret('secret', 'text', 'auth', 'mfa_factors'), true);
  assert.equal(secret('otp_code', 'text', 'auth', 'mfa_challenges'), true);
  assert.equal(secret('name', 'text', 'vault', 'secrets'), true);
});
