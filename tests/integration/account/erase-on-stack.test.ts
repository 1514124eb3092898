/** Erasures on the whole stack: functions in the edge runtime's Deno, sign-in by password, files through the Storage API. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { type Stack, startStack } from '../../../scripts/dev/stack/start-stack.ts';
import { runScript, startScript } from '../../support/run-script.ts';
import { installSubjectTruthSet, truthUser } from '../../support/subject-truth-set.ts';
import { tracesOf, unblockTruthSet } from './erase-harness.ts';

const PASSWORD = 'correct horse';
const MANY_ROWS = 20_000;

let stack: Stack;
let sql: Sql;

before(async () => {
  stack = await startStack({ rows: 0 });
  sql = postgres(stack.env.ADMIN_DATABASE_URL!, { max: 2, onnotice: () => {} });
  await installSubjectTruthSet(stack.env.DATABASE_URL!);
  await unblockTruthSet(sql);
  // The truth set's files are rows alone; these tests upload their own.
  await sql.begin(async (transaction) => {
    await transaction`select set_config('storage.allow_delete_query', 'true', true)`;
    await transaction`delete from storage.objects`;
  });
  await sql`update backup.setting set value = '0' where name = 'erasure_cool_off_hours'`;
  await sql`update backup.setting set value = '5' where name = 'lease_seconds'`;
});

after(async () => {
  await sql?.end({ timeout: 5 });
  await stack?.stop();
});

async function signIn(n: number): Promise<{ status: number; token: string }> {
  await sql`update auth.users set encrypted_password = extensions.crypt(${PASSWORD}, extensions.gen_salt('bf', 4)) where id = ${truthUser(n).id}`;
  const response = await fetch(`${stack.env.SUPABASE_URL}/auth/v1/token?grant_type=password`, {
    method: 'POST',
    headers: { apikey: stack.env.SUPABASE_ANON_KEY!, 'content-type': 'application/json' },
    body: JSON.stringify({ email: truthUser(n).email, password: PASSWORD }),
  });
  const body = await response.json();
  return { status: response.status, token: body.access_token };
}

async function call(path: string, token: string, body?: unknown) {
  const response = await fetch(`${stack.env.SUPABASE_URL}/functions/v1/account/erase${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

async function upload(token: string, path: string): Promise<void> {
  const response = await fetch(`${stack.env.SUPABASE_URL}/storage/v1/object/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'text/plain' },
    body: 'mine',
  });
  assert.equal(response.status, 200, await response.text());
}

async function confirmed(n: number): Promise<{ id: string; token: string; receipt: string }> {
  const { token } = await signIn(n);
  const asked = await call('', token, {});
  assert.equal(asked.status, 201, JSON.stringify(asked.body));
  const id = asked.body.erasure_id as string;
  const yes = await call(`/${id}/confirm`, token, { token: asked.body.token });
  assert.equal(yes.status, 200, JSON.stringify(yes.body));
  return { id, token, receipt: yes.body.receipt };
}

async function until(id: string, states: readonly string[]): Promise<string> {
  for (let round = 0; round < 240; round++) {
    const [row] = await sql`select state, error from backup.erasure where erasure_id = ${id}`;
    if (states.includes(row!.state)) return row!.state;
    assert.ok(!['failed', 'refused'].includes(row!.state), JSON.stringify(row!.error));
    await sleep(250);
    if (round % 8 === 0) await sql`select backup.tick()`;
  }
  throw new Error(`the erasure did not become ${states.join(' or ')}`);
}

test('from the sign-in to the certificate: rows, files and account are gone, and the old sign-in is refused', async () => {
  const user = truthUser(1);
  await sql`create policy "everyone uploads" on storage.objects for all to authenticated using (true) with check (true)`;
  const { token: first } = await signIn(1);
  await upload(first, `documents/${user.id}/letter.txt`);
  await upload((await signIn(5)).token, `documents/${truthUser(5).id}/letter.txt`);
  const { id, token, receipt } = await confirmed(1);
  await until(id, ['completed']);
  assert.deepEqual(await tracesOf(sql, [user.id, `"${user.email}"`]), []);
  assert.equal((await call(`/${id}`, token)).status, 401);
  assert.equal((await signIn(1)).status, 400);
  const gone = await fetch(`${stack.env.SUPABASE_URL}/storage/v1/object/documents/${user.id}/letter.txt`, {
    headers: { authorization: `Bearer ${stack.env.SUPABASE_SERVICE_ROLE_KEY}` },
  });
  assert.notEqual(gone.status, 200);
  await gone.body?.cancel();
  const others = await fetch(`${stack.env.SUPABASE_URL}/storage/v1/object/documents/${truthUser(5).id}/letter.txt`, {
    headers: { authorization: `Bearer ${stack.env.SUPABASE_SERVICE_ROLE_KEY}` },
  });
  assert.equal(await others.text(), 'mine');
  const answer = await call(`/${id}/certificate`, receipt);
  assert.equal(answer.body.certificate.files.count, 1);
  assert.equal(typeof answer.body.signature, 'string', 'signed with the signing key');
});

/** Holds an erasure in the middle of its transaction: `waits` resolves once one waits to delete the first rows. */
async function whileRowsCannotGo(work: (waits: () => Promise<void>) => Promise<void>): Promise<void> {
  const waits = async () => {
    for (let round = 0; round < 600; round++) {
      const [row] = await sql`
        select from pg_locks where relation = 'public.usage_events'::regclass and not granted`;
      if (row) return;
      await sleep(100);
    }
    throw new Error('no erasure came to its rows');
  };
  await sql.begin(async (blocker) => {
    await blocker`lock table public.usage_events in share mode`;
    await work(waits);
  });
}

test('a worker killed in the middle is followed by one that ends it', async () => {
  const user = truthUser(2);
  await sql`insert into public.usage_events (user_id, kind) select ${user.id}, 'many' from generate_series(1, ${MANY_ROWS})`;
  const { id } = await confirmed(2);
  await whileRowsCannotGo(async (waits) => {
    await sql`select backup.tick()`;
    await waits();
    const [row] = await sql`select state, stored_at is not null as stored from backup.erasure where erasure_id = ${id}`;
    assert.deepEqual(
      [row!.state, row!.stored],
      ['executing', true],
      'between the ledger and the end of its transaction',
    );
    for (const pid of stack.functionPids('account')) process.kill(pid, 'SIGKILL');
  });
  await until(id, ['completed']);
  assert.deepEqual(await tracesOf(sql, [user.id, `"${user.email}"`]), []);
  const [row] = await sql`select count(*)::int as n from public.usage_events where kind = 'many'`;
  assert.equal(row!.n, 0);
});

function environment() {
  const { SUPABASE_ANON_KEY: _, BACKUP_SIGNING_PUBLIC_KEY_FILE: __, ...env } = stack.env;
  return env;
}

test("an operator's plan changes nothing; with --yes it is done at once; a killed one is resumed", async () => {
  const user = truthUser(3);
  const plan = await runScript('erase-subject.ts', ['--user', user.id], environment());
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stdout, /public\.invoices .*keep/);
  assert.match(plan.stdout, /Nothing was erased\. Give --yes to do it\./);
  const [before_] = await sql`select count(*)::int as n from backup.erasure where subject_id = ${user.id}`;
  assert.equal(before_!.n, 0);
  const done = await runScript(
    'erase-subject.ts',
    ['--user', user.id, '--yes', '--reason', 'ticket 4711', '--json'],
    environment(),
  );
  assert.equal(done.code, 0, done.stdout + done.stderr);
  const { certificate } = JSON.parse(done.stdout);
  assert.equal(certificate.account, 'deleted');
  assert.deepEqual(await tracesOf(sql, [user.id, `"${user.email}"`]), []);
  const shown = await runScript('erase-subject.ts', ['--certificate', certificate.erasure_id, '--json'], environment());
  assert.deepEqual(JSON.parse(shown.stdout).certificate, certificate);

  const other = truthUser(6);
  await sql`insert into public.usage_events (user_id, kind) select ${other.id}, 'many' from generate_series(1, ${MANY_ROWS})`;
  const { child, ended } = startScript('erase-subject.ts', ['--user', other.id, '--yes'], environment());
  await whileRowsCannotGo(async (waits) => {
    await waits();
    child.kill('SIGKILL');
    await ended;
  });
  const [open] = await sql`
    select erasure_id from backup.erasure where subject_id = ${other.id} and stored_at is not null`;
  const resumed = await runScript('erase-subject.ts', ['--resume', open!.erasure_id, '--yes', '--json'], environment());
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  assert.deepEqual(await tracesOf(sql, [other.id, `"${other.email}"`]), []);
});

test('bad input is one error with exit code 2, and an unknown user is said to be one', async () => {
  const bad = await runScript('erase-subject.ts', ['--user', 'nobody', '--yes', '--dry-run', '--json'], environment());
  assert.equal(bad.code, 2);
  assert.equal(JSON.parse(bad.stdout).error.details.problems.length, 2);
  const unknown = await runScript('erase-subject.ts', ['--user', crypto.randomUUID(), '--json'], environment());
  assert.equal(JSON.parse(unknown.stdout).error.code, 'SUBJECT_UNKNOWN');
});
