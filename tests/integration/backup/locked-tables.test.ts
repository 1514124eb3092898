/** TRUNCATE and rewrites empty a table for older snapshots: they wait for the backup, or the backup begins again. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Platform } from '../../../supabase/functions/_shared/platform.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { Ledger } from '../../../supabase/functions/_shared/runs/ledger.ts';
import type { Store } from '../../../supabase/functions/_shared/stores/store.ts';
import { openProject, type Project, untilWaiting } from './task-harness.ts';

const ROWS = 500;
const REFILL = `truncate public.t; insert into public.t select i from generate_series(1, ${ROWS}) i`;

let project: Project;

beforeEach(async () => {
  project = await openProject();
  await project.other.unsafe(`create table public.t as select i from generate_series(1, ${ROWS}) i`);
});

afterEach(() => project.close());

/** `refill` once, in one transaction that gives up its lock after half a second; null or the SQLSTATE. */
async function refill(): Promise<string | null> {
  try {
    await project.other.begin(async (sql) => {
      await sql`set local lock_timeout = '500ms'`;
      await sql.unsafe(REFILL);
    });
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** A store that calls `then` after an object of this name was written. */
function afterWriting(name: string, then: () => Promise<void>): Store {
  return {
    ...project.store,
    openWriter(key, options) {
      const writer = project.store.openWriter(key, options);
      return {
        write: (bytes) => writer.write(bytes),
        abort: () => writer.abort(),
        async finish() {
          const result = await writer.finish();
          if (key.includes(name)) await then();
          return result;
        },
      };
    },
    async put(key, bytes, options) {
      const result = await project.store.put(key, bytes, options);
      if (key.includes(name)) await then();
      return result;
    },
  };
}

/** A platform whose first connection to send `words` waits for `before`. */
function beforeSending(words: string, before: () => Promise<void>): Platform {
  let done = false;
  return {
    ...nodePlatform,
    async connectTcp(options) {
      const connection = await nodePlatform.connectTcp(options);
      const write = connection.write.bind(connection);
      connection.write = async (bytes) => {
        if (!done && Buffer.from(bytes).includes(words)) {
          done = true;
          await before();
        }
        await write(bytes);
      };
      return connection;
    },
  };
}

test('while one call copies the database, nobody can empty a table', async () => {
  const id = await project.start();
  const refused: (string | null)[] = [];
  const store = afterWriting('schema/sequences', async () => void refused.push(await refill()));
  const run = await project.end(id, { store });
  assert.equal(run.status, 'completed', JSON.stringify(run.error));
  assert.equal(run.way, 'single-transaction');
  assert.deepEqual(refused, ['55P03']);
  assert.equal((await project.segments(id, 't')).rows, ROWS);
});

for (const [moment, words] of [
  ['catalogue is read', 'pg_largeobject_metadata'],
  ['tables are locked', 'lock table only'],
] as const) {
  test(`a table that is emptied and filled after the snapshot and before the ${moment} is backed up by another attempt`, async () => {
    const id = await project.start();
    const refused: (string | null)[] = [];
    const platform = beforeSending(words, async () => void refused.push(await refill()));
    await project.work({ platform });
    assert.deepEqual(refused, [null]);
    const [task] = await project.other`select state, error ->> 'code' as code from backup.task where backup_id = ${id}`;
    assert.deepEqual({ ...task }, { state: 'pending', code: 'TABLES_CHANGED' });
    const run = await project.end(id, { platform });
    assert.equal(run.status, 'completed', JSON.stringify(run.error));
    assert.equal((await project.segments(id, 't')).rows, ROWS);
  });
}

test('DDL that waits for the backup, and that pg_dump has to wait for, goes first; then the backup is made', async () => {
  const id = await project.start();
  let altered: Promise<unknown> | undefined;
  class Waited extends Ledger {
    override async savePlan(...args: Parameters<Ledger['savePlan']>): Promise<void> {
      await super.savePlan(...args);
      altered ??= project.other`alter table public.t add column added integer`.execute();
      await untilWaiting(project, 'alter table public.t');
    }
  }
  const ledger = new Waited(project.sql as unknown as ConstructorParameters<typeof Ledger>[0]);
  await project.work({ ledger, limits: { lockWaitMs: 500 } });
  await altered;
  const [task] = await project.other`select state, error ->> 'code' as code from backup.task where backup_id = ${id}`;
  assert.deepEqual({ ...task }, { state: 'pending', code: 'QUERY_INTERRUPTED' });
  const run = await project.end(id);
  assert.equal(run.status, 'completed', JSON.stringify(run.error));
  assert.equal((await project.segments(id, 't')).rows, ROWS);
});

test('a table that the keeper could not lock and that is emptied under its snapshot ends the run, which is made again', async () => {
  const limits = { singleCallBytes: 0 };
  const id = await project.start();
  const holder = await project.other.reserve();
  try {
    // As a keeper that locked its tables before this one was made.
    await holder`begin isolation level repeatable read`;
    const [held] = await holder`select pg_export_snapshot() as name`;
    await holder.unsafe(`set application_name = 'holdfast:${id.slice(-8)}:${held!.name}'`);
    const stage = async () => {
      const [run] = await project.other`select stage from public.backup_log where backup_id = ${id}`;
      return run!.stage;
    };
    while ((await stage()) !== 'copying') await project.work({ limits });
    assert.equal(await refill(), null);
    const run = await project.end(id, { limits });
    assert.equal(run.status, 'failed');
    assert.equal(run.error?.code, 'TABLES_CHANGED');
    const [retry] = await project.other`select status from public.backup_log where retry_of = ${id}`;
    assert.equal(retry?.status, 'in_progress');
  } finally {
    await holder`rollback`;
    await holder`reset application_name`;
    holder.release();
  }
});
