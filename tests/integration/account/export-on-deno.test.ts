/** Large exports as they are deployed: the queue, pg_net and edge functions on Deno, whose workers are killed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
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
  assert.equal(killed, 3);
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
