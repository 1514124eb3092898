/** What the tests of alerts share: a real HTTP server that takes them, and a worker that sends what is due. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JSONValue, Sql } from 'postgres';
import { alertJobStep } from '../../../supabase/functions/_shared/alerts/alert-job.ts';
import { createLogger } from '../../../supabase/functions/_shared/log.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { JobLedger } from '../../../supabase/functions/_shared/runs/job-ledger.ts';
import { runSlice } from '../../../supabase/functions/_shared/runs/serve-jobs.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';

export interface Received {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface SinkAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface Sink {
  readonly url: string;
  readonly received: Received[];
  /** Answers by the beginning of the path; 200 "ok" otherwise. A null never answers. */
  readonly answers: Map<string, SinkAnswer | null>;
  at(path: string): Received[];
  stop(): Promise<void>;
}

export async function startSink(): Promise<Sink> {
  const received: Received[] = [];
  const answers: Sink['answers'] = new Map();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '';
    const headers = request.headers as Record<string, string | undefined>;
    received.push({ method: request.method ?? '', path, headers, body: Buffer.concat(chunks).toString('utf8') });
    const rule = [...answers].find(([start]) => path.startsWith(start));
    if (rule?.[1] === null) return;
    const { status, headers: extra, body = 'ok' } = rule?.[1] ?? { status: 200 };
    response.writeHead(status, extra).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answers,
    at: (path) => received.filter((one) => one.path.startsWith(path)),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface AlertGround {
  readonly database: TestDatabase;
  readonly sql: Sql;
  readonly sink: Sink;
  readonly env: Map<string, string>;
  /** A row of public.system_health_alerts. */
  alert(type: string, severity: string | null, data: object, message?: string): Promise<void>;
  tick(now?: Date): Promise<Record<string, unknown>>;
  /** Sends all that is due, as the function does. */
  deliver(timeoutMs?: number): Promise<void>;
  tickAndDeliver(now?: Date): Promise<void>;
  /** Nothing but the channels and rules that the test makes. */
  reset(): Promise<void>;
  /** What is in the delivery table, in order. */
  deliveries(): Promise<{ channel: string; kind: string; state: string; attempts: number; error: string | null }[]>;
  stop(): Promise<void>;
}

export async function openAlertGround(): Promise<AlertGround> {
  const database = await createTestDatabase({ major: 17, template: 'holdfast' });
  const sql = openDriver(database.url, {
    max: 4,
    applicationName: 'alert tests',
    platform: nodePlatform,
  }) as unknown as Sql;
  const sink = await startSink();
  const env = new Map<string, string>();
  const ledger = new JobLedger(sql, 'database-health-monitor');
  const log = createLogger(() => {});
  const ground: AlertGround = {
    database,
    sql,
    sink,
    env,
    async alert(type, severity, data, message = 'free text of a row') {
      await sql`
        insert into public.system_health_alerts (alert_type, severity, message, event_data)
        values (${type}, ${severity}, ${message}, ${sql.json(data as JSONValue)})`;
    },
    async tick(now) {
      const [row] = now
        ? await sql`select backup.tick_alerts(${now.toISOString()}::timestamptz) as done`
        : await sql`select backup.tick_alerts() as done`;
      return row!.done;
    },
    async deliver(timeoutMs = 5000) {
      const stepFor = async () => alertJobStep({ sql, env: (name) => env.get(name), timeoutMs });
      await sql`select backup.start_job('deliver_alerts', 'all')`;
      await sql`update backup.job set not_before = now() where kind = 'deliver_alerts' and state = 'pending'`;
      await runSlice({ stepFor, workerName: 'test', log }, ledger);
    },
    async tickAndDeliver(now) {
      await ground.tick(now);
      await ground.deliver();
    },
    async reset() {
      await sql`truncate backup.alert_delivery, backup.problem, backup.alert_channel, backup.alert_rule, backup.alert_seen,
        public.system_health_alerts, backup.job, backup.health_state`;
      await sql`update backup.setting set value = '60' where name = 'alert_retry_base_seconds'`;
      sink.received.length = 0;
      sink.answers.clear();
      env.clear();
    },
    async deliveries() {
      const rows = await sql`select channel, kind, state, attempts, error from backup.alert_delivery order by ordinal`;
      return rows.map((row) => ({ ...row })) as never;
    },
    async stop() {
      await sql.end();
      await sink.stop();
      await database.drop();
    },
  };
  return ground;
}

/** A Slack channel at the sink, and a rule that sends it everything from warning on. */
export async function slackFor(
  { sql, env, sink }: AlertGround,
  name = 'slack',
  rule: string | null = 'all',
): Promise<void> {
  const secret = `ALERT_${name.toUpperCase().replaceAll('-', '_')}_URL`;
  env.set(secret, `${sink.url}/services/${name}`);
  await sql`select backup.alert_channel_set(${name}, 'slack', ${secret})`;
  if (rule) await sql`select backup.alert_rule_set(${rule}, '{*}', p_channels => ${[name]}::text[])`;
}

export const textsOf = (received: readonly Received[]): string[] =>
  received.map(({ body }) => (JSON.parse(body) as { text: string }).text);

export const minutes = (count: number): Date => new Date(Date.now() + count * 60_000);
