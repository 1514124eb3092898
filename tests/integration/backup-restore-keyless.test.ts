/** The function without a private key: bytes are proved, nothing more, and it says so. And who may call it, with what. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { createLogger } from '../../supabase/functions/_shared/log.ts';
import { createApp } from '../../supabase/functions/backup-restore/app.ts';
import { ROUTES } from '../../supabase/functions/backup-restore/routes.ts';
import { type Answered, type DrillStack, startDrillStack } from './backup-restore-harness.ts';

// biome-ignore lint/suspicious/noExplicitAny: a JSON document.
type Json = any;

let drills: DrillStack;
let backupId: string;
let document: Json;

before(async () => {
  drills = await startDrillStack({ withKey: false, rows: 300 });
  backupId = await drills.backUp();
  document = (await drills.call('/openapi.json')).body;
});
after(() => drills?.stop());

function assertAnswer(answer: Answered, path: string, method: string): void {
  const { responses } = document.paths[`/backup-restore${path}`][method];
  const schema = (responses[answer.status] ?? responses.default).content['application/json'].schema;
  const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
  ajv.addFormat('date-time', (text: string) => !Number.isNaN(Date.parse(text)));
  ajv.addFormat('uuid', /^[0-9a-f-]{36}$/);
  ajv.addKeyword('components');
  const validate = ajv.compile({ ...schema, components: document.components });
  assert.ok(
    validate(answer.body),
    `${method} ${path} ${answer.status}: ${JSON.stringify(validate.errors)} ${answer.text}`,
  );
}

const post = (path: string, body: unknown = {}) => drills.call(path, { method: 'POST', body });

test('without a private key the stored bytes are proved, and every place says that nothing was restored', async () => {
  const started = await post('/drills', { backup_id: backupId });
  assert.equal(started.status, 202);
  assert.equal(started.body.mode, 'stored-bytes');
  assert.equal(started.headers.get('location'), started.body.links.self);
  assertAnswer(started, '/drills', 'post');
  const drill = await drills.follow(started.body.drill_id);
  assert.equal(drill.status, 'passed', JSON.stringify(drill.errors));
  assert.equal(drill.kind, 'integrity_check');
  for (const text of [drill.notes, drill.report.differences[0]]) {
    assert.match(text, /nothing was decrypted or restored/);
    assert.match(text, /npm run backup:drill/);
  }
  const [run] =
    await drills.sql`select object_count, stored_bytes from public.backup_log where backup_id = ${backupId}`;
  assert.ok(drill.verified.objects > 0 && drill.verified.stored_bytes > 0, JSON.stringify(run));
  assert.deepEqual(drill.report.tables, []);
  assert.equal(drill.verified.recovery_seconds, null);
  assert.deepEqual(await drills.scratches(), []);
});

test('SQL does not call a backup restorable of which only the stored bytes were proved', async () => {
  const verdict = async () =>
    (await drills.sql`select public.test_backup_restoration(${backupId}) as verdict`)[0]!.verdict;
  assert.equal(await verdict(), null);
  const open = await drills.sql`select id from public.backup_tests where status = 'in_progress'`;
  for (const { id } of open) assert.equal((await drills.follow(id)).status, 'passed');
});

test('many slices hash every object once', async () => {
  await drills.sql`update backup.setting set value = '1000' where name = 'drill_slice_bytes'`;
  const drill = await drills.follow(await drills.start({ backup_id: backupId, kind: 'monthly' }), 240_000);
  await drills.sql`update backup.setting set value = '40000000' where name = 'drill_slice_bytes'`;
  assert.equal(drill.status, 'passed');
  assert.ok(drill.verified.slices >= drill.verified.objects, `${drill.verified.slices} slices`);
  const [other] = await drills.sql`
    select data_verified from public.backup_tests where data_verified ->> 'slices' = '1' and backup_id = ${backupId}`;
  assert.equal(drill.verified.objects, other!.data_verified.objects);
  assert.equal(drill.verified.stored_bytes, other!.data_verified.stored_bytes);
});

test('the newest backup of a cadence is drilled when one is named, and a cadence without backups is a 404', async () => {
  const { body } = await post('/drills', { cadence: 'manual' });
  assert.equal(body.backup_id, backupId);
  await drills.follow(body.drill_id);
  const none = await post('/drills', { cadence: 'yearly' });
  assert.deepEqual([none.status, none.body.error.code], [404, 'BACKUP_MISSING']);
});

test('two requests for the same backup are one drill', async () => {
  const [one, other] = await Promise.all([
    post('/drills', { backup_id: backupId }),
    post('/drills', { backup_id: backupId }),
  ]);
  assert.equal(one.body.drill_id, other.body.drill_id);
  await drills.follow(one.body.drill_id);
});

test('the report is a page and a text too, and each access to it is recorded', async () => {
  const count = async () =>
    (
      await drills.sql`select count(*)::int as n from public.security_events_log where event_type = 'drill_report_accessed'`
    )[0]!.n;
  const [row] = await drills.sql`select id from public.backup_tests where status = 'passed' limit 1`;
  const earlier = await count();
  const page = await drills.call(`/drills/${row!.id}?format=html`);
  assert.match(page.text, /^<!doctype html>/);
  assert.match(page.headers.get('content-security-policy') ?? '', /style-src 'unsafe-inline'/);
  const text = await drills.call(`/drills/${row!.id}?format=markdown`);
  assert.match(text.headers.get('content-type') ?? '', /^text\/markdown/);
  assert.match(text.text, /^# Stored bytes: passed; nothing was restored/);
  assert.doesNotMatch(text.text, /recovery time|scratch/i);
  assert.match(page.text, /<h1 class="good">Stored bytes: passed/);
  const json = await drills.call(`/drills/${row!.id}`);
  assertAnswer(json, '/drills/{id}', 'get');
  assert.equal(await count(), earlier + 3);
});

test('pages of the list do not overlap, and filters hold', async () => {
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const answer: Answered = await drills.call(`/drills?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
    assertAnswer(answer, '/drills', 'get');
    seen.push(...answer.body.drills.map((drill: { drill_id: string }) => drill.drill_id));
    cursor = answer.body.next_cursor;
  } while (cursor);
  const [{ n }] = (await drills.sql`select count(*)::int as n from public.backup_tests`) as unknown as [{ n: number }];
  assert.equal(seen.length, n);
  assert.equal(new Set(seen).size, n);
  assert.deepEqual((await drills.call('/drills?status=failed')).body.drills, []);
  assert.deepEqual((await drills.call('/drills?until=2001-01-01')).body.drills, []);
});

test('bad input is a 4xx that names the field', async () => {
  for (const [answer, status, pattern] of [
    [await post('/drills', {}), 400, /backup_id or cadence/],
    [await post('/drills', { backup_id: backupId, cadence: 'weekly' }), 400, /backup_id or cadence/],
    [await post('/drills', { backup_id: backupId, kind: 'yearly' }), 400, /kind/],
    [await post('/drills', { backup_id: backupId, more: 1 }), 400, /more/],
    [await post('/drills', { backup_id: 'none' }), 404, /none/],
    [await drills.call('/drills/1'), 400, /id of a drill/],
    [await drills.call(`/drills/${crypto.randomUUID()}`), 404, /no drill/],
    [await post(`/drills/${crypto.randomUUID()}/cancel`), 404, /no drill/],
    [await drills.call('/drills?cursor=x'), 400, /cursor/],
    [await drills.call('/drills?limit=0'), 400, /limit/],
    [await drills.call('/drills', { method: 'PUT' }), 405, /POST/],
    [await drills.call('/nothing'), 404, /no route/],
  ] as const) {
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, pattern);
  }
});

test('nobody but admins and the service key gets in, and refusals are recorded', async () => {
  const anon = drills.stack.env.SUPABASE_ANON_KEY!;
  const bearer = (name: string) => ({ apikey: anon, authorization: `Bearer ${drills.stack.env[name]}` });
  for (const [headers, status] of [
    [{}, 401],
    [{ apikey: anon }, 401],
    [bearer('JWT_USER'), 403],
    [bearer('JWT_SUPPORT'), 403],
    [bearer('JWT_ADMIN'), 200],
  ] as const) {
    assert.equal((await drills.call('/drills', { headers })).status, status);
  }
  const refused = await drills.sql`
    select count(*)::int as n from public.security_events_log
    where event_type = 'backup_access_denied' and event_data ->> 'path' = '/backup-restore/drills'`;
  assert.equal(refused[0]!.n, 4);
});

test('work is done for a ticket only, whoever brings it', async () => {
  const answer = await post('/work', { ticket: 'f'.repeat(64) });
  assert.deepEqual([answer.status, answer.body.error.code], [401, 'TICKET_REFUSED']);
  assert.equal((await post('/work', {})).status, 400);
});

test('openapi.json has every route, and names only codes of the catalogue', () => {
  const app = createApp({
    surroundings: () => assert.fail('no request is made'),
    log: createLogger(() => {}),
  });
  const served = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
  const documented = Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(documented.sort(), served.sort());
  assert.equal(documented.length, 5);
  for (const code of ROUTES.flatMap((route) => route.errors)) assert.ok(code in ERRORS, code);
});
