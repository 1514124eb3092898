import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { signJwt } from '../../scripts/dev/stack/api-keys.ts';
import { type Stack, startStack } from '../../scripts/dev/stack/start-stack.ts';

const run = promisify(execFile);
const MIGRATION = `
create table public.note (id integer primary key, made_by name default current_user);
insert into public.note values (1);
create schema backup;
create table backup.setting (functions_url text);
create function backup.configure(p_functions_url text) returns void language sql set search_path = '' as
  $$ insert into backup.setting values (p_functions_url) $$;
`;
const HELLO = `Deno.serve(async (request) => Response.json({
  path: new URL(request.url).pathname, ticket: await request.text(), database: Deno.env.get('SUPABASE_DB_URL'),
  extra: Deno.env.get('BACKUP_SLICE_BYTES'), jwtSecret: Deno.env.get('SUPABASE_JWT_SECRET') ?? null,
}));`;

let project: string;
let stack: Stack;
let admin: postgres.Sql;
let sql: postgres.Sql;

before(async () => {
  project = await mkdtemp(join(tmpdir(), 'holdfast-project-'));
  await mkdir(join(project, 'migrations'));
  await mkdir(join(project, 'functions', 'hello'), { recursive: true });
  await writeFile(join(project, 'migrations', '20260101000000_create_note.sql'), MIGRATION);
  await writeFile(join(project, 'functions', 'hello', 'index.ts'), HELLO);
  await writeFile(join(project, 'config.toml'), 'project_id = "test"\n[functions.hello]\nverify_jwt = false\n');
  stack = await startStack({
    rows: 2000,
    s3: 's3rver',
    supabaseDir: project,
    workerEnv: { BACKUP_SLICE_BYTES: '4096' },
  });
  admin = postgres(stack.env.ADMIN_DATABASE_URL!, { max: 2, onnotice: () => {} });
  sql = postgres(stack.env.DATABASE_URL!, { max: 2, onnotice: () => {} });
});

after(async () => {
  await Promise.all([admin?.end(), sql?.end()]);
  await stack?.stop();
  await rm(project, { recursive: true, force: true });
  assert.equal(stack && existsSync(stack.dir), false, 'a temporary stack leaves nothing behind');
});

const api = (path: string, init: RequestInit = {}, token = stack.env.SUPABASE_ANON_KEY) =>
  fetch(`${stack.env.SUPABASE_URL}${path}`, {
    ...init,
    headers: {
      apikey: stack.env.SUPABASE_ANON_KEY!,
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...init.headers,
    },
  });

async function _eventually<T>(look: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, `nothing came in ${timeoutMs} ms`);
    await sleep(50);
  }
}

test('the env file is private and a shell reads from it just what the stack says', async () => {
  const file = join(stack.dir, 'env');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const { stdout } = await run('sh', ['-c', 'set -a; . "$1"; env -0', 'sh', file], { env: {} });
  const seen = Object.fromEntries(
    stdout
      .split('\0')
      .filter(Boolean)
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  for (const [name, value] of Object.entries(stack.env)) assert.equal(seen[name], value, name);
});

test('migrations are applied by the real CLI as role postgres, and the project knows its functions', async () => {
  const [note] =
    await sql`select made_by, (select array_agg(version) from supabase_migrations.schema_migrations) as versions from public.note`;
  assert.deepEqual({ ...note }, { made_by: 'postgres', versions: ['20260101000000'] });
  const [setting] = await sql`select functions_url from backup.setting`;
  assert.equal(setting?.functions_url, `${stack.env.SUPABASE_URL}/functions/v1`);
});

test('a function gets its request, its secrets and not the JWT secret', async () => {
  const answer = await (await api('/functions/v1/hello/there', { method: 'POST', body: 'ticket' })).json();
  assert.deepEqual(answer, {
    path: '/hello/there',
    ticket: 'ticket',
    database: stack.env.DATABASE_URL,
    extra: '4096',
    jwtSecret: null,
  });
  assert.equal(stack.functionPids('hello').length, 1);
});

test('gpg reads the keys, and encrypts and decrypts with them', async () => {
  const home = await mkdtemp(join(tmpdir(), 'gpg-'));
  const gpg = ['--homedir', home, '--batch', '--quiet'];
  try {
    await run('gpg', [...gpg, '--import', stack.env.PGP_PRIVATE_KEY_FILE!]);
    const recipient = ['--recipient-file', stack.env.PGP_PUBLIC_KEY_FILE!, '--trust-model', 'always'];
    await writeFile(join(home, 'plain'), 'secret words');
    await run('gpg', [...gpg, ...recipient, '--output', join(home, 'sealed'), '--encrypt', join(home, 'plain')]);
    const { stdout } = await run('gpg', [...gpg, '--decrypt', join(home, 'sealed')]);
    assert.equal(stdout, 'secret words');
    assert.equal((await stat(stack.env.PGP_PRIVATE_KEY_FILE!)).mode & 0o777, 0o600);
  } finally {
    await run('gpgconf', ['--homedir', home, '--kill', 'all']);
    await rm(home, { recursive: true, force: true });
  }
});

test('Auth answers who a token belongs to, with the role that the project gave', async () => {
  for (const [variable, role] of [
    ['JWT_ADMIN', 'admin'],
    ['JWT_DEVELOPER', 'developer'],
    ['JWT_SUPPORT', 'support'],
    ['JWT_USER', undefined],
  ] as const) {
    const user = (await (await api('/auth/v1/user', {}, stack.env[variable])).json()) as {
      id: string;
      app_metadata: { role?: string };
    };
    assert.equal(user.app_metadata.role, role);
    const [row] = await sql`select email from auth.users where id = ${user.id}`;
    assert.ok(row);
  }
});

test('Auth refuses missing, forged, expired and foreign tokens, and calls without a project key', async () => {
  const expired = await signJwt(
    { sub: '00000000-0000-4000-8000-000000000001' },
    { jwtSecret: stack.env.SUPABASE_JWT_SECRET!, issuer: 'x', lifetime: '-1 minute' },
  );
  const stranger = await signJwt(
    { sub: '00000000-0000-4000-8000-ffffffffffff' },
    { jwtSecret: stack.env.SUPABASE_JWT_SECRET!, issuer: 'x', lifetime: '1 minute' },
  );
  const forged = await signJwt(
    { sub: '00000000-0000-4000-8000-000000000001' },
    { jwtSecret: 'another secret', issuer: 'x', lifetime: '1 minute' },
  );
  for (const [token, status, code] of [
    ['', 401, 'no_authorization'],
    [forged, 403, 'bad_jwt'],
    [expired, 403, 'bad_jwt'],
    [stranger, 403, 'user_not_found'],
    [stack.env.SUPABASE_ANON_KEY!, 403, 'bad_jwt'],
  ] as const) {
    const response = await api('/auth/v1/user', {}, token);
    assert.equal(response.status, status);
    assert.equal(((await response.json()) as { error_code: string }).error_code, code);
  }
  const keyless = await fetch(`${stack.env.SUPABASE_URL}/auth/v1/user`, {
    headers: { authorization: `Bearer ${stack.env.JWT_ADMIN}` },
  });
  assert.equal(keyless.status, 401);
  assert.equal((await api('/auth/v1/user', { headers: { apikey: 'sb_secret_wrong' } })).status, 401);
});

test('a password opens a session that signing out ends', async () => {
  const signIn = (password: string) =>
    api('/auth/v1/token?grant_type=password', {
      method: 'POST',
      body: JSON.stringify({ email: 'USER@bookings.example', password }),
    });
  assert.equal((await signIn('wrong')).status, 400);
  assert.equal((await api('/auth/v1/token?grant_type=password', { method: 'POST', body: '{' })).status, 400);
  const session = (await (await signIn('holdfast-demo')).json()) as { access_token: string; user: { email: string } };
  assert.equal(session.user.email, 'user@bookings.example');
  assert.equal((await api('/auth/v1/user', {}, session.access_token)).status, 200);
  assert.equal((await api('/auth/v1/logout', { method: 'POST' }, session.access_token)).status, 204);
  assert.equal((await api('/auth/v1/user', {}, session.access_token)).status, 403);
});

test('only the service role administers users', async () => {
  const id = crypto.randomUUID();
  await admin`insert into auth.users (id, email) values (${id}, ${`${id}@example.com`})`;
  const path = `/auth/v1/admin/users/${id}`;
  assert.equal((await api(path, {}, stack.env.JWT_ADMIN)).status, 403);
  assert.equal((await api(path, {}, stack.env.SUPABASE_SERVICE_ROLE_KEY)).status, 200);
  const { default: secretKey } = JSON.parse(stack.env.SUPABASE_SECRET_KEYS!) as { default: string };
  assert.equal((await api(path, { method: 'DELETE', headers: { apikey: secretKey } }, secretKey)).status, 200);
  assert.equal((await api(path, {}, stack.env.SUPABASE_SERVICE_ROLE_KEY)).status, 404);
  assert.equal((await api('/auth/v1/admin/users/nonsense', {}, stack.env.SUPABASE_SERVICE_ROLE_KEY)).status, 404);
});

const service = (path: string, init?: RequestInit) =>
  api(`/storage/v1${path}`, init, stack.env.SUPABASE_SERVICE_ROLE_KEY);

test('every demo object can be downloaded with the size and eTag its row says', async () => {
  const rows = await sql`select bucket_id, name, metadata, updated_at from storage.objects order by name limit 20`;
  assert.ok(rows.length > 10);
  for (const { bucket_id, name, metadata, updated_at } of rows) {
    const response = await service(`/object/${bucket_id}/${encodeURIComponent(name)}`);
    assert.equal(response.status, 200, name);
    const bytes = new Uint8Array(await response.arrayBuffer());
    assert.equal(bytes.length, metadata.size);
    assert.equal(response.headers.get('etag'), metadata.eTag);
    assert.equal(response.headers.get('content-type'), metadata.mimetype);
    assert.ok(updated_at < new Date('2026-01-01'), 'seeding does not touch updated_at');
  }
});

test('an upload can be read, listed, overwritten only when asked, and deleted', async () => {
  const put = (body: string, headers: Record<string, string> = {}) =>
    service('/object/attachments/folder/a%20b.txt', {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/plain', ...headers },
    });
  const metadata = btoa(JSON.stringify({ kept: 'yes' }));
  const { Id: id } = (await (await put('one', { 'x-metadata': metadata, 'cache-control': 'max-age=60' })).json()) as {
    Id: string;
  };
  const second = await put('two');
  assert.equal(second.status, 400);
  assert.equal(((await second.json()) as { statusCode: string }).statusCode, '409');
  assert.deepEqual((await sql`select user_metadata from storage.objects where id = ${id}`)[0]?.user_metadata, {
    kept: 'yes',
  });
  assert.equal(
    ((await (await put('three', { 'x-upsert': 'true' })).json()) as { Id: string }).Id,
    id,
    'the row survives',
  );
  assert.deepEqual((await sql`select user_metadata from storage.objects where id = ${id}`)[0]?.user_metadata, {});
  assert.equal(await (await service('/object/authenticated/attachments/folder/a%20b.txt')).text(), 'three');
  const ranged = await service('/object/attachments/folder/a%20b.txt', { headers: { range: 'bytes=1-2' } });
  assert.equal(ranged.status, 206);
  assert.equal(ranged.headers.get('content-range'), 'bytes 1-2/5');
  assert.equal(await ranged.text(), 'hr');
  const list = (prefix: string) =>
    service('/object/list/attachments', { method: 'POST', body: JSON.stringify({ prefix, limit: 1000 }) }).then(
      (response) => response.json(),
    ) as Promise<{ name: string; id: string | null }[]>;
  assert.ok((await list('')).some((entry) => entry.name === 'folder' && entry.id === null));
  assert.deepEqual(
    (await list('folder')).map((entry) => [entry.name, entry.id]),
    [['a b.txt', id]],
  );
  assert.equal((await service('/object/attachments/folder/a%20b.txt', { method: 'DELETE' })).status, 200);
  assert.equal((await service('/object/attachments/folder/a%20b.txt')).status, 400);
});

test('row security decides what a user may read and write in Storage', async () => {
  await admin`insert into storage.buckets (id, name) values ('own', 'own')`;
  await admin.unsafe(`create policy own_files on storage.objects for all to authenticated
    using (bucket_id = 'own' and owner_id = (select auth.uid())::text) with check (bucket_id = 'own' and owner_id = (select auth.uid())::text)`);
  const upload = (token: string | undefined) =>
    api('/storage/v1/object/own/mine', { method: 'POST', body: 'mine' }, token);
  assert.equal((await upload(stack.env.SUPABASE_ANON_KEY)).status, 400);
  assert.equal((await upload(stack.env.JWT_USER)).status, 200);
  assert.equal(await (await api('/storage/v1/object/own/mine', {}, stack.env.JWT_USER)).text(), 'mine');
  assert.equal((await api('/storage/v1/object/own/mine', {}, stack.env.JWT_SUPPORT)).status, 400);
  assert.equal(
    (await api('/storage/v1/object/public/own/mine', {}, stack.env.JWT_USER)).status,
    400,
    'the bucket is not public',
  );
  assert.equal((await api('/storage/v1/object/own/mine', { method: 'DELETE' }, stack.env.JWT_SUPPORT)).status, 400);
  assert.equal((await api('/storage/v1/object/own/mine', {}, `${stack.env.JWT_USER}x`)).status, 400);
});

test('Storage refuses what a bucket does not take, and names that lead elsewhere', async () => {
  await admin`insert into storage.buckets (id, name, file_size_limit, allowed_mime_types) values ('small', 'small', 10, '{image/*}')`;
  const statusOf = async (path: string, body: string, type: string) => {
    const response = await service(`/object/${path}`, { method: 'POST', body, headers: { 'content-type': type } });
    return response.ok ? 200 : Number(((await response.json()) as { statusCode: string }).statusCode);
  };
  assert.equal(await statusOf('small/a', 'x'.repeat(11), 'image/png'), 413);
  assert.equal(await statusOf('small/a', 'x', 'text/plain'), 415);
  assert.equal(await statusOf('small/a', 'x', 'image/png'), 200);
  assert.equal(await statusOf('nowhere/a', 'x', 'image/png'), 404);
  for (const name of ['..%2F..%2Fescape', 'a%2F..%2Fb', '%', 'a%00b', 'a%5Cb'])
    assert.equal(await statusOf(`small/${name}`, 'x', 'image/png'), 400, name);
  const files = (await readdir(stack.dir, { recursive: true })).filter((name) => name.includes('escape'));
  assert.deepEqual(files, []);
});
