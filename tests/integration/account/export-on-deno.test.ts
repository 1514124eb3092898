/** Large exports as they are deployed: the queue, pg_net and edge functions on Deno, whose workers are killed. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import postgres from 'postgres';
import { type Stack, startStack } from '../../../scripts/dev/stack/start-stack.ts';
import { hurry } from '../../support/operator.ts';
import { runScript } from '../../support/run-script.ts';
import { storeOf } from '../../support/store-of.ts';

let stack: Stack;
let sql: postgres.Sql;
let directory: string;
const ROWS = 20_000;
const FILES = 40;
const bytesOf = (n: number) => Buffer.alloc(250_000, `file ${n} `);

before(async () => {
  stack = await startStack({});
  directory = await mkdtemp(join(tmpdir(), 'holdfast-account-deno-'));
  sql = postgres(stack.env.DATABASE_URL!, { max: 2, onnotice: () => {} });
  const user = decodeJwt(stack.env.JWT_USER!).sub!;
  await sql`create table public.activity (id bigint primary key, user_id uuid, kind text, note text)`;
  await sql`
    insert into public.activity
    select n, ${user}, 'click', 'a note about number ' || n from generate_series(1, ${ROWS}::int) n`;
  await sql`
    insert into backup.subject_source (schema_name, table_name, decision, category, paths)
    values ('public', 'activity', 'mapped', 'usage_data',
      '[[{"columns": ["user_id"], "to": {"schema": "auth", "table": "users", "columns": ["id"]}}]]')`;
  await sql`insert into storage.buckets (id, name) values ('own', 'own')`;
  for (let n = 0; n < FILES; n++) {
    const url = `${stack.env.SUPABASE_URL}/storage/v1/object/own/file-${n}.bin`;
    const headers = { authorization: `Bearer ${stack.env.SUPABASE_SERVICE_ROLE_KEY}`, 'content-type': 'text/plain' };
    const answer = await fetch(url, { method: 'POST', headers, body: bytesOf(n) });
    assert.equal(answer.status, 200, await answer.text());
  }
  await sql`update storage.objects set owner_id = ${user} where bucket_id = 'own'`;
  await sql`update backup.setting set value = '2000000' where name = 'account_export_slice_bytes'`;
  await hurry(sql);
});
after(async () => {
  await sql?.end();
  await stack?.stop();
  if (directory) await rm(directory, { recursive: true, force: true });
});

const call = (path: string, token: string, init: RequestInit = {}) =>
  fetch(`${stack.env.SUPABASE_URL}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${token}`, ...init.headers },
  });

async function assertWhole(path: string): Promise<void> {
  execFileSync('unzip', ['-tqq', path]);
  const count = execFileSync('sh', [
    '-c',
    'unzip -p "$0" data/usage_data.json | jq \'."public.activity" | map(.id) | unique | length\'',
    path,
  ]);
  assert.equal(Number(count), ROWS);
  const hashes = execFileSync(
    'python3',
    [
      '-c',
      'import sys,zipfile,hashlib;z=zipfile.ZipFile(sys.argv[1]);print(*[hashlib.sha256(z.read(n)).hexdigest() for n in sorted(z.namelist()) if n.startswith("files/own/")])',
      path,
    ],
    { encoding: 'utf8' },
  );
  const expected = Array.from({ length: FILES }, (_, n) => createHash('sha256').update(bytesOf(n)).digest('hex'));
  assert.deepEqual(hashes.trim().split(' ').sort(), expected.sort());
}

test('workers killed again and again leave a whole export behind, and nothing that nobody knows of', {
  timeout: 200_000,
}, async () => {
  const started = await call('/functions/v1/account/export', stack.env.JWT_USER!);
  assert.equal(started.status, 202, await started.clone().text());
  const { status_url, download_url, export_id } = await started.json();
  let killed = 0;
  let state = 'pending';
  for (const until = Date.now() + 150_000; state === 'pending' && Date.now() < until; ) {
    await sql`select backup.tick()`;
    const [job] =
      await sql`select state, progress -> 'parts' is not null as begun from backup.job where kind = 'account_export'`;
    if (killed < 3 && job!.state === 'claimed') {
      for (const pid of stack.functionPids('account')) process.kill(pid, 'SIGKILL');
      killed += 1;
      await sql`update backup.job set lease_until = now() - interval '1 second' where state = 'claimed'`;
    }
    await new Promise((resolve) => setTimeout(resolve, 150));
    const [row] = await sql`select state, error from backup.account_export where id = ${export_id}`;
    state = row!.state;
  }
  const [row] = await sql`select state, error from backup.account_export where id = ${export_id}`;
  assert.equal(
    row!.state,
    'ready',
    JSON.stringify(row) + (await readFile(join(stack.dir, 'logs', 'account.log'), 'utf8').catch(() => '')).slice(-3000),
  );
  assert.ok(killed > 0, 'a worker was killed');
  assert.equal((await (await call(status_url, stack.env.JWT_USER!)).json()).state, 'ready');
  const download = await call(download_url, stack.env.JWT_USER!);
  assert.equal(download.status, 200);
  const path = join(directory, 'export.zip');
  await writeFile(path, Buffer.from(await download.arrayBuffer()));
  await assertWhole(path);
  assert.equal((await call(download_url, stack.env.JWT_ADMIN!)).status, 404);

  await sql`update backup.account_export set expires_at = now() - interval '1 second' where id = ${export_id}`;
  for (const until = Date.now() + 60_000; Date.now() < until; ) {
    await sql`select backup.tick()`;
    const [gone] = await sql`select deleted_at from backup.account_export where id = ${export_id}`;
    if (gone!.deleted_at) break;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  for await (const { key } of storeOf(stack.env).list(`exports/${export_id}/`)) assert.fail(`${key} is still there`);
});

test('a small account is sent at once by the deployed function', async () => {
  const response = await call('/functions/v1/account/export', stack.env.JWT_SUPPORT!);
  assert.equal(response.status, 200, await response.clone().text());
  const path = join(directory, 'small.zip');
  await writeFile(path, Buffer.from(await response.arrayBuffer()));
  execFileSync('unzip', ['-tqq', path]);
});

test('an operator’s export that was killed leaves no file that looks whole, and is in nobody’s way', async () => {
  const user = decodeJwt(stack.env.JWT_DEVELOPER!).sub!;
  const out = join(directory, 'killed.zip');
  const { DATABASE_URL, SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY } = stack.env;
  const env = { ...process.env, DATABASE_URL, SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY };
  // It waits for this lock when it has begun to write.
  const blocker = postgres(stack.env.DATABASE_URL!, { max: 1, onnotice: () => {} });
  const arguments_ = ['--import', 'tsx', 'scripts/export-subject.ts', '--user', user, '--out', out];
  try {
    await blocker`begin`;
    await blocker`lock table public.activity in access exclusive mode`;
    const script = spawn(process.execPath, arguments_, { env, stdio: 'ignore' });
    const ended = new Promise((resolve) => script.once('exit', resolve));
    for (const until = Date.now() + 60_000; Date.now() < until; ) {
      const [row] = await sql`
        select from backup.account_export e where e.user_id = ${user} and e.way = 'operator' and e.state = 'streaming'
          and exists (select from pg_locks l where l.relation = 'public.activity'::regclass and not l.granted)`;
      if (row !== undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const meanwhile = await runScript(
      'export-subject.ts',
      ['--user', user, '--out', join(directory, 'second.zip')],
      env,
    );
    assert.equal(meanwhile.code, 2);
    assert.match(meanwhile.stderr, /being made right now/);
    assert.equal((await call('/functions/v1/account/export', stack.env.JWT_DEVELOPER!)).status, 429);
    script.kill('SIGKILL');
    await ended;
  } finally {
    await blocker`rollback`;
    await blocker.end();
  }
  assert.ok(!existsSync(out));
  for (const until = Date.now() + 30_000; Date.now() < until; ) {
    const [alive] = await sql`select from pg_stat_activity where application_name = 'holdfast subject export'`;
    if (alive === undefined) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const own = await call('/functions/v1/account/export', stack.env.JWT_DEVELOPER!);
  assert.equal(own.status, 200, await own.clone().text());
  await own.arrayBuffer();
  const [killed] = await sql`
    select state, error from backup.account_export where user_id = ${user} and way = 'operator'`;
  assert.deepEqual(killed, { state: 'failed', error: { code: 'TASK_ABANDONED' } });
  const again = await runScript('export-subject.ts', ['--user', user, '--out', out], env);
  assert.equal(again.code, 0, again.stderr);
  execFileSync('unzip', ['-tqq', out]);
  assert.ok(!existsSync(`${out}.partial`));
});

test('a download that is cut off is noticed by its length, and goes on where it ended', async () => {
  const [row] = await sql`
    select id from backup.account_export where user_id = ${decodeJwt(stack.env.JWT_USER!).sub!} and way = 'job'`;
  await sql`delete from backup.account_export where id = ${row!.id}`;
  const { download_url, status_url } = await (
    await call('/functions/v1/account/export', stack.env.JWT_USER!, { method: 'POST' })
  ).json();
  for (const until = Date.now() + 60_000; Date.now() < until; ) {
    await sql`select backup.tick()`;
    if ((await (await call(status_url, stack.env.JWT_USER!)).json()).state === 'ready') break;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const path = join(directory, 'cut.zip');
  const options = ['-sS', '-f', '-C', '-', '-o', path, '-H', `Authorization: Bearer ${stack.env.JWT_USER}`];
  const url = `${stack.env.SUPABASE_URL}${download_url}`;
  // Not in the foreground: the gateway is in this process.
  const curl = (...more: string[]) =>
    new Promise<number | null>((resolve) => {
      spawn('curl', [...options, ...more, url], { stdio: 'ignore' }).once('exit', resolve);
    });
  const ended = curl('--limit-rate', '2M');
  while (!existsSync(path) || statSync(path).size < 1_000_000) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const pid of stack.functionPids('account')) process.kill(pid, 'SIGKILL');
  assert.equal(await ended, 18, 'curl: transfer closed with outstanding read data remaining');
  const begun = statSync(path).size;
  assert.equal(await curl(), 0);
  assert.ok(begun < statSync(path).size);
  await assertWhole(path);
});

test('the command line makes the same file, records it, and counts it as nobody’s request', async () => {
  const user = decodeJwt(stack.env.JWT_USER!).sub!;
  const out = join(directory, 'operator.zip');
  const { DATABASE_URL, SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY } = stack.env;
  const env = { DATABASE_URL, SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY };
  const made = await runScript('export-subject.ts', ['--user', user, '--out', out, '--json'], env);
  assert.equal(made.code, 0, made.stderr + made.stdout);
  const facts = JSON.parse(made.stdout);
  assert.ok(facts.file_count >= FILES); // the demo user has files already
  await assertWhole(out);
  const again = await runScript('export-subject.ts', ['--user', user, '--out', out], env);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /--out must be a new file/);
  const unknown = await runScript(
    'export-subject.ts',
    ['--user', crypto.randomUUID(), '--out', join(directory, 'x.zip')],
    env,
  );
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /there is no user/);
  const wrong = await runScript('export-subject.ts', ['--user', 'me', '--format', 'xml'], {});
  assert.equal(wrong.code, 2);
  const events = await sql`
    select event_type from public.security_events_log
    where event_data ->> 'export_id' = ${facts.export_id} order by created_at`;
  assert.deepEqual(
    events.map(({ event_type }) => event_type),
    ['account_export_requested', 'account_export_downloaded'],
  );
});
