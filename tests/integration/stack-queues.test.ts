/** The stack's stand-ins for pg_net's sender and pg_cron's clock behave as the platform's own. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { type Stack, startStack } from '../../scripts/dev/stack/start-stack.ts';

let project: string;
let stack: Stack;
let admin: postgres.Sql;
let sql: postgres.Sql;

before(async () => {
  project = await mkdtemp(join(tmpdir(), 'holdfast-project-'));
  await writeFile(join(project, 'config.toml'), 'project_id = "test"\n');
  stack = await startStack({ rows: 0, s3: 's3rver', supabaseDir: project });
  admin = postgres(stack.env.ADMIN_DATABASE_URL!, { max: 2, onnotice: () => {} });
  sql = postgres(stack.env.DATABASE_URL!, { max: 2, onnotice: () => {} });
});

after(async () => {
  await Promise.all([admin?.end(), sql?.end()]);
  await stack?.stop();
  await rm(project, { recursive: true, force: true });
});

async function eventually<T>(look: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, `nothing came in ${timeoutMs} ms`);
    await sleep(50);
  }
}

interface Sink {
  readonly url: string;
  readonly received: { path: string; body: string; headers: Record<string, unknown>; at: number }[];
  close(): Promise<void>;
}

async function startSink(): Promise<Sink> {
  const received: Sink['received'] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (text) => (body += text));
    request.on('end', async () => {
      received.push({ path: request.url ?? '', body, headers: request.headers, at: Date.now() });
      await sleep(Number(/^\/wait\/(\d+)/.exec(request.url ?? '')?.[1] ?? 0));
      response.writeHead(202, { 'content-type': 'application/json' }).end('{"taken":true}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('pg_net sends only what was committed, and keeps the answer', async () => {
  const sink = await startSink();
  try {
    await assert.rejects(
      sql.begin(async (transaction) => {
        await transaction`select net.http_post(${`${sink.url}/rolled-back`}, '{}')`;
        await sleep(600);
        throw new Error('rolled back on purpose');
      }),
    );
    let id: string | undefined;
    await sql.begin(async (transaction) => {
      id = (
        await transaction`select net.http_post(${`${sink.url}/committed`}, '{"a": 1}', headers := '{"x-ticket": "t"}') as id`
      )[0]?.id;
      await sleep(600);
      assert.deepEqual(sink.received, [], 'nothing before the commit');
    });
    const answer = await eventually(async () => (await sql`select * from net._http_response where id = ${id!}`)[0]);
    assert.deepEqual(
      [answer.status_code, answer.content, answer.content_type, answer.timed_out, answer.error_msg],
      [202, '{"taken":true}', 'application/json', false, null],
    );
    assert.deepEqual(
      sink.received.map(({ path, body }) => [path, body]),
      [['/committed', '{"a": 1}']],
    );
    assert.equal(sink.received[0]?.headers['x-ticket'], 't');
    assert.equal((await sql`select from net.http_request_queue`).length, 0);
  } finally {
    await sink.close();
  }
});

test('pg_net reports timeouts and refused connections, and the next batch waits for the slowest of this one', async () => {
  const sink = await startSink();
  try {
    const ids = await sql.begin(async (transaction) => {
      const send = async (url: string, timeoutMs: number) =>
        (await transaction`select net.http_get(${url}, timeout_milliseconds := ${timeoutMs}) as id`)[0]?.id as string;
      return [await send(`${sink.url}/wait/20000`, 3000), await send('http://127.0.0.1:9/', 3000)];
    });
    await eventually(async () => (sink.received.length > 0 ? true : undefined));
    await sql`select net.http_get(${`${sink.url}/next`})`;
    const answers = await eventually(async () => {
      const rows =
        await sql`select timed_out, status_code, error_msg from net._http_response where id in ${sql(ids)} order by id`;
      return rows.length === 2 ? rows : undefined;
    });
    assert.deepEqual(
      { ...answers[0] },
      { timed_out: true, status_code: null, error_msg: 'Timeout of 3000 ms reached' },
    );
    assert.equal(answers[1]?.timed_out, false);
    assert.ok(answers[1]?.error_msg);
    const next = await eventually(async () => sink.received.find(({ path }) => path === '/next'));
    assert.ok(next.at - (sink.received[0]?.at ?? 0) >= 2000);
  } finally {
    await sink.close();
  }
});

test('a job every second runs as its role and its runs are in the details', async () => {
  await sql`create table public.tick (at timestamptz default clock_timestamp(), role name default session_user, cap text default current_setting('statement_timeout'))`;
  const [job] = await sql`select cron.schedule('tick', '1 second', 'insert into public.tick default values') as id`;
  const ticks = await eventually(async () => {
    const rows = await sql`select * from public.tick`;
    return rows.length >= 2 ? rows : undefined;
  });
  assert.equal(ticks[0]?.role, 'postgres');
  assert.equal(ticks[0]?.cap, '2min');
  await sql`select cron.unschedule('tick')`;
  const [detail] = await eventually(async () => {
    const rows =
      await sql`select * from cron.job_run_details where jobid = ${job?.id} and status = 'succeeded' order by runid`;
    return rows.length > 0 ? rows : undefined;
  });
  assert.equal(detail?.username, 'postgres');
  assert.equal(detail?.return_message, 'INSERT 0 1');
  assert.ok(detail?.end_time >= detail?.start_time);
  await sleep(1500);
  const [{ count: before } = { count: 0 }] = await sql`select count(*)::int from public.tick`;
  await sleep(1500);
  assert.equal((await sql`select count(*)::int from public.tick`)[0]?.count, before, 'an unscheduled job does not run');
});

test('a failing job is in the details with its error, and a slow one runs once at a time', async () => {
  const [failing] = await sql`select cron.schedule('failing', '1 second', 'select 1/0') as id`;
  const [slow] = await sql`select cron.schedule('slow', '1 second', 'select pg_sleep(10)') as id`;
  const failed = await eventually(
    async () => (await sql`select * from cron.job_run_details where jobid = ${failing?.id} and status = 'failed'`)[0],
  );
  assert.match(failed.return_message, /^ERROR: {2}division by zero/);
  const running = () =>
    sql`select pid, application_name, usename from pg_stat_activity where query = 'select pg_sleep(10)' and state = 'active'`;
  await eventually(async () => ((await running()).length > 0 ? true : undefined));
  await sleep(1300);
  const [activity, ...others] = await running();
  assert.equal(others.length, 0);
  assert.equal(activity?.usename, 'postgres');
  assert.equal(activity?.application_name, 'pg_cron');
  await sql`select cron.unschedule('failing'), cron.unschedule('slow')`;
  const canceled = await eventually(
    async () => (await sql`select * from cron.job_run_details where jobid = ${slow?.id} and status = 'failed'`)[0],
  );
  assert.equal(canceled.return_message, 'job canceled');
});
