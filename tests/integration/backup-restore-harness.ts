/** A running stack whose functions have the private key of their backups, and an operator who drills them. */
import postgres from 'postgres';
import { type Stack, startStack } from '../../scripts/dev/stack/start-stack.ts';
import { followRun, hurry } from '../support/operator.ts';
import { type Keyring, makeKeyring } from './export/export-harness.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers; openapi tests hold them against their schemas.
  readonly body: any;
}

export interface DrillStack {
  readonly stack: Stack;
  /** As role postgres. */
  readonly sql: postgres.Sql;
  /** Armored; of what the backups are encrypted to. */
  readonly privateKeys: string;
  /** As an operator with the service key, unless other headers are given. */
  call(
    path: string,
    options?: { method?: string; headers?: Record<string, string>; body?: unknown },
  ): Promise<Answered>;
  backUp(): Promise<string>;
  start(body: Record<string, unknown>): Promise<string>;
  /** The drill as the API shows it, once it has ended. Ticks as pg_cron does. */
  follow(drillId: string, timeoutMs?: number): Promise<Answered['body']>;
  scratches(): Promise<string[]>;
  stop(): Promise<void>;
}

export async function startDrillStack(options: {
  withKey?: boolean;
  rows?: number;
  /** Major version of the project's PostgreSQL. Default 17. */
  pg?: 15 | 17;
  env?: Record<string, string>;
}): Promise<DrillStack> {
  const keys: Keyring = makeKeyring();
  const privateKeys = keys.gpg(['--armor', '--export-secret-keys']).toString();
  const env: Record<string, string> = { BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys, ...options.env };
  if (options.withKey ?? true) env.BACKUP_PGP_PRIVATE_KEYS ??= privateKeys;
  const stack = await startStack({ rows: options.rows ?? 1500, pg: options.pg ?? 17, workers: 3, workerEnv: env });
  const sql = postgres(stack.env.DATABASE_URL!, { max: 2, onnotice: () => {} });
  await hurry(sql, 8);
  const call: DrillStack['call'] = async (path, { method = 'GET', headers, body } = {}) => {
    const response = await fetch(`${stack.env.SUPABASE_URL}/functions/v1/backup-restore${path}`, {
      method,
      headers: {
        ...(headers ?? { apikey: stack.env.SUPABASE_SERVICE_ROLE_KEY! }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : null };
  };
  return {
    stack,
    sql,
    privateKeys,
    call,
    async backUp() {
      const [row] = await sql`select public.create_manual_backup('to be drilled', null) as id`;
      const ended = await followRun(sql, row!.id, 120_000);
      if (ended.status !== 'completed')
        throw new Error(`the backup is ${ended.status}: ${JSON.stringify(ended.row.error)}`);
      return ended.backupId;
    },
    async start(body) {
      const answer = await call('/drills', { method: 'POST', body });
      if (answer.status !== 202) throw new Error(`the drill did not start: ${answer.status} ${answer.text}`);
      return answer.body.drill_id;
    },
    async follow(drillId, timeoutMs = 240_000) {
      const until = Date.now() + timeoutMs;
      for (;;) {
        await sql`select backup.tick()`;
        const { body } = await call(`/drills/${drillId}`);
        if (body.status !== 'in_progress') return body;
        if (Date.now() > until) throw new Error(`still ${JSON.stringify(body.progress)} after ${timeoutMs} ms`);
        await new Promise((resolve) => setTimeout(resolve, 400));
      }
    },
    scratches: async () =>
      (await sql`select datname from pg_database where datname like 'holdfast\\_drill\\_%'`).map((row) => row.datname),
    async stop() {
      await sql.end();
      await stack.stop();
      keys.dispose();
    },
  };
}
