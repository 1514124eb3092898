import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { createLogger } from '../../supabase/functions/_shared/log.ts';
import { createApp } from '../../supabase/functions/backup-trigger/app.ts';
import { ROUTES } from '../../supabase/functions/backup-trigger/routes.ts';
import { type Answered, insertRun, startTrigger, type Trigger } from './backup-trigger-harness.ts';

// biome-ignore lint/suspicious/noExplicitAny: a JSON document.
type Json = any;

let trigger: Trigger;
let document: Json;
before(async () => {
  trigger = await startTrigger();
  document = (await trigger.get('/backup-trigger/openapi.json')).body;
});
after(() => trigger?.close());

function compile(schema: Json): ValidateFunction {
  const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
  ajv.addFormat('date-time', (text: string) => !Number.isNaN(Date.parse(text)));
  ajv.addFormat('date', /^\d{4}-\d\d-\d\d$/);
  ajv.addFormat('uuid', /^[0-9a-f-]{36}$/);
  ajv.addKeyword('components');
  return ajv.compile({ ...schema, components: document.components });
}

function answerSchema(path: string, method: string, status: number): Json {
  const responses = document.paths[path][method].responses;
  return (responses[status] ?? responses.default).content['application/json'].schema;
}

function assertAnswer(answer: Answered, path: string, method: string): void {
  const validate = compile(answerSchema(path, method, answer.status));
  assert.ok(
    validate(answer.body),
    `${method} ${path} ${answer.status}: ${JSON.stringify(validate.errors)}\n${JSON.stringify(answer.body)}`,
  );
}

test('every route of the app is in the document, and nothing else is', () => {
  const surroundings = () => {
    throw ERRORS.INTERNAL('not needed');
  };
  const app = createApp({ surroundings, log: createLogger(() => {}) });
  const served = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
  const documented = Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(documented.sort(), served.sort());
  assert.equal(documented.length, 7);
});

test('the document is valid OpenAPI 3.1 as far as it goes: references resolve, ids are unique, parameters match paths', () => {
  assert.equal(document.openapi, '3.1.0');
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
    ([, reference]) => reference as string,
  );
  assert.ok(references.length > 5);
  for (const reference of references) {
    assert.match(reference, /^#\/components\/schemas\/\w+$/);
    assert.ok(document.components.schemas[reference.split('/').at(-1)!], reference);
  }
  const operations = Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.values<Json>(methods).map((operation) => ({ path, ...operation })),
  );
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
  for (const { path, parameters } of operations) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = parameters.filter((parameter: Json) => parameter.in === 'path');
    assert.deepEqual(
      declared.map(({ name }: Json) => name),
      inPath,
    );
    assert.ok(declared.every(({ required }: Json) => required === true));
  }
  for (const schema of Object.values(document.components.schemas)) compile(schema);
});

test('every code that a route names is in the catalogue', () => {
  for (const code of ROUTES.flatMap((route) => route.errors)) assert.ok(code in ERRORS, code);
  for (const [, code] of JSON.stringify(document.paths).matchAll(/([A-Z]+(?:_[A-Z]+)+)/g))
    assert.ok(code! in ERRORS, code);
});

test('what the routes answer is what the document says, good and bad', async () => {
  const id = '/backup-trigger/backups/{id}';
  const started = await trigger.post('/backup-trigger', { scope: 'full', cadence: 'manual', reason: 'test' });
  assertAnswer(started, '/backup-trigger', 'post');
  const completed = await insertRun(trigger.sql);
  const failed = await insertRun(trigger.sql, { status: 'failed' });
  await trigger.sql`update public.backup_log set error = '{"code": "X"}', limits = '[{"code": "L"}]' where backup_id = ${failed}`;
  const verified = await trigger.post(`/backup-trigger/backups/${completed}/verify`, { kind: 'quick' });
  assert.equal(verified.status, 202);
  assertAnswer(verified, `${id}/verify`, 'post');
  for (const one of [started.body.backup_id, completed, failed]) {
    const shown = await trigger.get(`/backup-trigger/backups/${one}`);
    assert.equal(shown.status, 200);
    assertAnswer(shown, id, 'get');
  }
  const list = await trigger.get('/backup-trigger/backups?limit=2');
  assert.equal(typeof list.body.next_cursor, 'string');
  assertAnswer(list, '/backup-trigger/backups', 'get');
  const cancelled = await trigger.post(`/backup-trigger/backups/${started.body.backup_id}/cancel`);
  assert.equal(cancelled.status, 200);
  assertAnswer(cancelled, `${id}/cancel`, 'post');
  assertAnswer(await trigger.get('/backup-trigger/openapi.json'), '/backup-trigger/openapi.json', 'get');
  for (const [answer, path, method, status] of [
    [await trigger.post('/backup-trigger', {}), '/backup-trigger', 'post', 400],
    [await trigger.call('/backup-trigger/backups'), '/backup-trigger/backups', 'get', 401],
    [await trigger.get('/backup-trigger/backups/none'), id, 'get', 404],
    [await trigger.get(`/backup-trigger/backups/${failed}/download`), `${id}/download`, 'get', 409],
  ] as const) {
    assert.equal(answer.status, status);
    assertAnswer(answer, path, method);
  }
});

test('a request that the document allows is accepted, and one that it forbids is not', async () => {
  const validate = compile(document.paths['/backup-trigger'].post.requestBody.content['application/json'].schema);
  const base = { scope: 'full', cadence: 'manual', reason: 'x' };
  const bodies = [
    base,
    { ...base, more: 1 },
    { ...base, scope: 'x' },
    { ...base, reason: '' },
    { ...base, where: [] },
    { ...base, codec: 'gzip' },
    {},
    { ...base, label: 5 },
  ];
  for (const body of bodies) {
    const { status } = await trigger.post('/backup-trigger', body);
    assert.equal(status === 202, validate(body), JSON.stringify(body));
  }
});

test('answers hold no more than the document says: a stray field fails the check', () => {
  const validate = compile(answerSchema('/backup-trigger', 'post', 202));
  const links = { self: '', cancel: '', verify: '', download: '' };
  assert.equal(validate({ backup_id: 'x', status: 'in_progress', links }), true);
  assert.equal(validate({ backup_id: 'x', status: 'in_progress', links, secret: 1 }), false);
});
