/** Money moves between accounts all the time while 50 and more worker calls copy them; the total is exact. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import postgres from 'postgres';
import { restoreInto } from '../../scripts/dev/demo/restore-archive.ts';
import { dumpDigest } from '../../scripts/dev/oracle/dump-digest.ts';
import { type Stack, startStack } from '../../scripts/dev/stack/start-stack.ts';
import { copyFolder } from '../support/copy-folder.ts';
import { followRun } from '../support/operator.ts';
import { PLATFORM_SCHEMAS, UNSTEADY_TABLES } from '../support/restored-project.ts';
import { storeOf } from '../support/store-of.ts';

const ACCOUNTS = 40_000;
const TOTAL = ACCOUNTS * 1000;
const COMPARED = {
  major: 17,
  rowOrder: 'ignored',
  excludeSchemas: PLATFORM_SCHEMAS,
  args: UNSTEADY_TABLES.map((table) => `--exclude-table-data=${table}`),
} as const;

for (const major of [17, 15] as const)
  describe(`PostgreSQL ${major}`, () => {
    let stack: Stack;
    let sql: postgres.Sql;
    let work: string;

    before(async () => {
      work = await mkdtemp(join(tmpdir(), 'holdfast-consistent-'));
      stack = await startStack({
        pg: major,
        rows: 500,
        workers: 6,
        workerEnv: { BACKUP_SINGLE_CALL_BYTES: '0', BACKUP_SLICE_BYTES: '65536' },
      });
      sql = postgres(stack.env.DATABASE_URL!, { max: 6, onnotice: () => {} });
      await sql`create table public.accounts (id int primary key, balance bigint not null, note text)`;
      await sql`insert into public.accounts select i, 1000, repeat('x', 80) from generate_series(1, ${ACCOUNTS}) i`;
    });

    after(async () => {
      await sql?.end();
      await stack?.stop();
      await rm(work, { recursive: true, force: true });
    });

    test(`a backup of 50 and more worker calls is of one moment, and pg_dump finds no difference`, async () => {
      const stop = new AbortController();
      const writers = [1, 2].map((seed) => moveMoney(seed, stop.signal));
      const [row] = await sql`select public.create_manual_backup('while money moves', null) as id`;
      const source = await digestAtSnapshot(row!.id);
      const ended = await followRun(sql, row!.id, 180_000);
      stop.abort();
      const moves = (await Promise.all(writers)).reduce((sum, count) => sum + count, 0);
      assert.equal(ended.status, 'completed', JSON.stringify(ended.row.error));
      assert.ok(moves > 100, `${moves} transfers were made meanwhile`);
      const [calls] = await sql`select count(*)::int as count from backup.task where backup_id = ${row!.id}`;
      assert.ok(calls!.count >= 50, `${calls!.count} worker calls`);
      assert.equal(ended.row.way, 'keeper');

      await copyFolder(storeOf(stack.env), ended.row.folder as string, work);
      const target = await restoreInto(stack, work, `restored_${major}`);
      const restored = postgres(target, { max: 1, onnotice: () => {} });
      const [sum] = await restored`select sum(balance)::int as total, count(*)::int as rows from public.accounts`;
      await restored.end();
      assert.deepEqual({ ...sum }, { total: TOTAL, rows: ACCOUNTS });
      assert.equal(
        await dumpDigest(target, COMPARED),
        source,
        'pg_dump of the restored database equals pg_dump --snapshot of the source',
      );
    });

    /** pg_dump of the source from the very snapshot that the run's keeper holds. */
    async function digestAtSnapshot(backupId: string) {
      for (let tries = 0; tries < 2400; tries += 1) {
        const [row] = await sql`
        select backup.keeper_snapshot(${backupId}) as name, stage from public.backup_log where backup_id = ${backupId}`;
        if (row!.name && row!.stage === 'copying') {
          return await dumpDigest(stack.env.DATABASE_URL!, { ...COMPARED, snapshot: row!.name });
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error('the keeper never showed its snapshot');
    }

    async function moveMoney(seed: number, signal: AbortSignal): Promise<number> {
      let moves = 0;
      while (!signal.aborted) {
        const from = ((moves * 7919 + seed * 104729) % ACCOUNTS) + 1;
        const to = ((moves * 15485863 + seed * 31) % ACCOUNTS) + 1;
        if (from !== to) {
          // Always the lower id first, so that two writers never wait for each other.
          await sql`
          update public.accounts set balance = balance + case when id = ${from} then -1 else 1 end
          where id in (select id from public.accounts where id in (${from}, ${to}) order by id for update)`;
        }
        moves += 1;
      }
      return moves;
    }
  });
