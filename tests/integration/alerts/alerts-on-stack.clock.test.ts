/** The whole way on a stack: a backup that fails for a real reason, the functions that tell it, and the good one after it. */
import assert from 'node:assert/strict';
import { connect, createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import getPort from 'get-port';
import postgres from 'postgres';
import { type Stack, startStack } from '../../../scripts/dev/stack/start-stack.ts';
import { alertsAnswer, testAnswer } from '../../../supabase/functions/database-health-monitor/alert-schemas.ts';
import { hurry } from '../../support/operator.ts';
import { runScript } from '../../support/run-script.ts';
import { type Received, type Sink, startSink, textsOf } from './alert-harness.ts';

let sink: Sink;
let stack: Stack;
let sql: postgres.Sql;
let line: Server;
/** Where the line to the S3 server leads; nowhere at first. */
let target: { host: string; port: number } | null = null;

before(async () => {
  sink = await startSink();
  const port = await getPort();
  line = createServer((socket) => {
    if (!target) return socket.destroy();
    const other = connect(target);
    socket.on('error', () => other.destroy()).pipe(other);
    other.on('error', () => socket.destroy()).pipe(socket);
  });
  await new Promise<void>((resolve) => line.listen(port, '127.0.0.1', resolve));
  stack = await startStack({
    rows: 100,
    s3: 's3rver',
    workerEnv: { BACKUP_S3_ENDPOINT: `http://127.0.0.1:${port}`, ALERT_SLACK_URL: `${sink.url}/services/x` },
  });
  sql = postgres(stack.env.DATABASE_URL!, { max: 2, onnotice: () => {} });
  await hurry(sql, 30);
  await sql`update backup.schedule set enabled = false`;
  await sql`update backup.setting set value = '1' where name = 'run_attempts'`;
  await sql`select backup.alert_channel_set('slack', 'slack', 'ALERT_SLACK_URL')`;
  await sql`select backup.alert_rule_set('problems', '{backup_*}')`;
});

after(async () => {
  await sql?.end();
  await stack?.stop();
  await new Promise((resolve) => (line ? line.close(resolve) : resolve(null)));
  await sink?.stop();
});

/** Nobody but the stack's own clock ticks. */
async function eventually(look: () => Received | undefined, timeoutMs: number): Promise<Received> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(200)) {
    const found = look();
    if (found) return found;
  }
  const rows = await sql`select channel, kind, state, error from backup.alert_delivery`;
  const runs = await sql`select backup_id, status, stage, error from public.backup_log`;
  throw new Error(`nothing came in ${timeoutMs} ms: ${JSON.stringify({ rows, runs, texts: textsOf(sink.received) })}`);
}

const told = (start: string) => sink.received.find((one) => textsOf([one])[0]!.startsWith(start));

async function call(path: string, token: string | undefined, body?: object): Promise<Response> {
  return await fetch(`${stack.env.SUPABASE_URL}/functions/v1/database-health-monitor${path}`, {
    method: body ? 'POST' : 'GET',
    headers: {
      apikey: stack.env.SUPABASE_ANON_KEY!,
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
}

test('a failing backup reaches Slack within two minutes, and the next good one resolves it', {
  timeout: 500_000,
}, async () => {
  const [failed] = await sql`select public.create_manual_backup('to fail', null) as id`;
  const alert = await eventually(() => told(`Critical: backup ${failed!.id} failed (STORE_UNREACHABLE)`), 200_000);
  assert.equal(alert.path, '/services/x');
  const [problem] =
    await sql`select extract(epoch from clock_timestamp() - completed_at)::float8 as seconds from public.backup_log where backup_id = ${failed!.id}`;
  assert.ok(problem!.seconds < 120);
  const { hostname, port } = new URL(stack.env.BACKUP_S3_ENDPOINT!);
  target = { host: hostname, port: Number(port) };
  const [good] = await sql`select public.create_manual_backup('to succeed', null) as id`;
  const resolved = await eventually(() => told('Resolved: '), 200_000);
  assert.ok(textsOf([resolved])[0]!.includes(`Backup ${good!.id} is complete.`), resolved.body);
  const notice = await eventually(() => told(`Backup ${good!.id} completed`), 60_000);
  assert.match(notice.body, /\*Time\*.*\*Size\*.*\*Place\*\\ns3:\/\//);
  assert.equal(sink.received.filter((one) => textsOf([one])[0]!.startsWith('Critical: ')).length, 1);
});

test('operators see problems and deliveries and test a channel over HTTP; others do not', {
  timeout: 240_000,
}, async () => {
  const shown = await call('/alerts?resolved_days=1', stack.env.JWT_ADMIN);
  assert.equal(shown.status, 200);
  const { problems, deliveries } = alertsAnswer.parse(await shown.json());
  assert.equal(problems.find(({ key }) => key === 'backup:manual')?.state, 'resolved');
  assert.ok(deliveries.some(({ kind, state }) => kind === 'resolved' && state === 'sent'));
  const tested = await call('/alerts/test', stack.env.JWT_ADMIN, { channel: 'slack' });
  assert.equal(tested.status, 202);
  const { delivery_id } = testAnswer.parse(await tested.json());
  await eventually(() => told('Test message'), 30_000);
  const [row] = await sql`select channel from backup.alert_delivery where id = ${delivery_id}`;
  assert.equal(row!.channel, 'slack');
  assert.equal((await call('/alerts/test', stack.env.JWT_ADMIN, { channel: 'nobody' })).status, 404);
  assert.equal((await call('/alerts/test', stack.env.JWT_ADMIN, {})).status, 400);
  for (const [token, status] of [
    [stack.env.JWT_USER, 403],
    [undefined, 401],
  ] as const) {
    assert.equal((await call('/alerts', token)).status, status);
    assert.equal((await call('/alerts/test', token, { channel: 'slack' })).status, status);
  }
});

test('the command sends its test through the functions', { timeout: 240_000 }, async () => {
  const { code, stdout, stderr } = await runScript('alerts.ts', ['test', 'slack'], {
    DATABASE_URL: stack.env.DATABASE_URL,
  });
  assert.equal(code, 0, stdout + stderr);
  assert.equal(stdout, 'slack: sent after 1 attempt\n');
});
