import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFunctionConfig } from '../../../supabase/functions/_shared/config.ts';
import { ERRORS } from '../../../supabase/functions/_shared/errors.ts';
import { errorResponse } from '../../../supabase/functions/_shared/http/error-handler.ts';

test('an error of the catalogue is answered with its status, code, message, hint and details', async () => {
  const response = errorResponse(
    ERRORS.RUN_NOT_ACTIVE('backup x is not in progress', { details: { status: 'failed' } }),
  );
  assert.equal(response.status, 409);
  const { error } = await response.json();
  assert.deepEqual(Object.keys(error), ['code', 'message', 'hint', 'details']);
  assert.equal(error.code, 'RUN_NOT_ACTIVE');
  assert.deepEqual(error.details, { status: 'failed' });
});

test('without details the answer has none', async () => {
  const { error } = await errorResponse(ERRORS.NOT_FOUND('there is no backup x')).json();
  assert.deepEqual(Object.keys(error), ['code', 'message', 'hint']);
});

test('every 401 carries a challenge', () => {
  assert.equal(errorResponse(ERRORS.UNAUTHENTICATED('no')).headers.get('www-authenticate'), 'Bearer');
  assert.equal(errorResponse(ERRORS.FORBIDDEN('no')).headers.get('www-authenticate'), null);
});

test('an error that is not ours, and a bug of ours, tell nothing of themselves', async () => {
  for (const error of [
    new Error('password=hunter2'),
    'hunter2',
    null,
    ERRORS.INTERNAL('hunter2', { details: { a: 'hunter2' } }),
  ]) {
    const response = errorResponse(error);
    const text = await response.text();
    assert.equal(response.status, 500);
    assert.match(text, /"INTERNAL"/);
    assert.doesNotMatch(text, /hunter2/);
  }
});

test('a broken configuration is answered with every variable and rule, and no value', async () => {
  const environment: Record<string, string> = {
    SUPABASE_URL: 'garbage-url',
    BACKUP_S3_BUCKET: 'BAD BUCKET',
    BACKUP_SLICE_BYTES: 'many',
  };
  let caught: unknown;
  try {
    parseFunctionConfig((name) => environment[name]);
  } catch (error) {
    caught = error;
  }
  const response = errorResponse(caught);
  const text = await response.text();
  assert.equal(response.status, 500);
  for (const name of [
    'SUPABASE_URL',
    'SUPABASE_DB_URL',
    'BACKUP_S3_BUCKET',
    'BACKUP_SLICE_BYTES',
    'SUPABASE_SERVICE_ROLE_KEY',
  ]) {
    assert.match(text, new RegExp(name));
  }
  assert.doesNotMatch(text, /garbage-url|BAD BUCKET|many/);
  for (const problem of JSON.parse(text).error.details.problems)
    assert.deepEqual(Object.keys(problem), ['variable', 'rule']);
});
