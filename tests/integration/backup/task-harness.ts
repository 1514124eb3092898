/** The tasks of one project's backups, one after the other in this process: a test says what happens between two steps. */
import postgres from 'postgres';
import { plainCipher } from '../../../supabase/functions/_shared/archive/cipher.ts';
import { createCodec } from '../../../supabase/functions/_shared/archive/codec.ts';
import type { WorkLimits } from '../../../supabase/functions/_shared/backup/backup-settings.ts';
import { runTask } from '../../../supabase/functions/_shared/backup/run-task.ts';
import { createLogger } from '../../../supabase/functions/_shared/log.ts';
import type { Platform } from '../../../supabase/functions/_shared/platform.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openDriver, type Sql } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { Ledger } from '../../../supabase/functions/_shared/runs/ledger.ts';
import type { Task } from '../../../supabase/functions/_shared/runs/run-row.ts';
import { createMemoryStore } from '../../../supabase/functions/_shared/stores/memory-store.ts';
import type { Store } from '../../../supabase/functions/_shared/stores/store.ts';
import { hurry } from '../../support/operator.ts';
import { createTestDatabase } from '../../support/template-database.ts';

const MIB = 1024 * 1024;

export interface WorkOptions {
  readonly limits?: Partial<WorkLimits>;
  readonly store?: Store;
  readonly platform?: Platform;
  readonly ledger?: Ledger;
}

export interface Project {
  readonly databaseUrl: string;
  /** As role postgres. */
  readonly sql: Sql;
  /** Another connection of the same role, for what goes on meanwhile. */
  readonly other: Sql;
  readonly store: Store;
  start(request?: object): Promise<string>;
  /** Does the next task that is due; null when there is none. */
  work(options?: WorkOptions): Promise<Task | null>;
  /** Works until the run has ended and its tasks are done; its row. */
  end(backupId: string, options?: WorkOptions): Promise<RunFacts>;
  /** Rows and paths of a table's segments. */
  segments(backupId: string, table: string): Promise<{ rows: number; paths: string[] }>;
  close(): Promise<void>;
}

export interface RunFacts {
  readonly status: string;
  readonly way: string;
  readonly folder: string;
  readonly manifest_sha256: string;
  readonly error: { code: string; message: string } | null;
}

export async function openProject(): Promise<Project> {
  const database = await createTestDatabase({ major: 17, template: 'holdfast' });
  const sql = openDriver(database.url, { max: 2, applicationName: 'worker of a test' });
  const other = postgres(database.url, { max: 3, onnotice: () => {} }) as unknown as Sql;
  await other`select backup.configure('http://project.example/functions/v1')`;
  await hurry(other, 75);
  const store = createMemoryStore();
  const work = (options: WorkOptions = {}) =>
    runTask(
      {
        ledger: options.ledger ?? new Ledger(sql as unknown as postgres.Sql),
        equip: async () => ({
          means: {
            platform: options.platform ?? nodePlatform,
            databaseUrl: database.url,
            store: options.store ?? store,
            cipher: plainCipher(),
            signing: null,
            codecFor: (name) => createCodec(name),
          },
          limits: { sliceBytes: 24 * MIB, maxRowBytes: 64 * MIB, singleCallBytes: 64 * MIB, ...options.limits },
        }),
        log: createLogger(() => {}),
      },
      'test',
    );
  return {
    databaseUrl: database.url,
    sql,
    other,
    store,
    work,
    async start(request = { scope: 'full', cadence: 'manual', codec: 'none' }) {
      const [row] = await other`select backup.start_run(${other.json(request as postgres.JSONValue)}) as id`;
      return row!.id;
    },
    async end(backupId, options) {
      for (;;) {
        const task = await work(options);
        const [run] = await other<RunFacts[]>`
          select status, way, folder, manifest_sha256, error from public.backup_log where backup_id = ${backupId}`;
        if (run!.status !== 'in_progress') return run!;
        if (task === null) await new Promise((resolve) => setTimeout(resolve, 20)); // put back a moment ago
      }
    },
    async segments(backupId, table) {
      const rows = await other`
        select row_count::int as rows, path from backup.segment
        where backup_id = ${backupId} and schema_name = 'public' and table_name = ${table} order by path`;
      return { rows: rows.reduce((sum, row) => sum + row.rows, 0), paths: rows.map((row) => row.path) };
    },
    async close() {
      await sql.end({ timeout: 5 });
      await other.end({ timeout: 5 });
      await database.drop();
    },
  };
}

/** What pg_cron does of a run's job: holds the snapshot until the run has been copied. Resolves when it has ended. */
export async function keepSnapshot(project: Project, backupId: string): Promise<void> {
  await project.other.begin(async (sql) => {
    await sql`set local lock_timeout = '30s'`;
    await sql`select backup.keep_snapshot(${backupId})`;
  });
}

/** Resolves when some statement with these words waits for a lock. */
export async function untilWaiting(project: Project, words: string): Promise<void> {
  for (let tries = 0; tries < 1200; tries += 1) {
    const [waiting] = await project.other`
      select from pg_catalog.pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like ${`%${words}%`}`;
    if (waiting) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nothing with '${words}' came to wait`);
}
