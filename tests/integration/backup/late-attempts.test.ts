/** Attempts that outlived their lease go on writing and deleting: never where the one that took their place does. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import { runFolder } from '../../../supabase/functions/_shared/backup/run-folder.ts';
import { Ledger } from '../../../supabase/functions/_shared/runs/ledger.ts';
import type { Store } from '../../../supabase/functions/_shared/stores/store.ts';
import { keepSnapshot, openProject, type Project } from './task-harness.ts';

const MIB = 1024 * 1024;

let project: Project;

beforeEach(async () => {
  project = await openProject();
  await project.other`create table public.t as select i, repeat('x', 200000) as body from generate_series(1, 20) i`;
  await project.other`create table public.u as select 1 as i`;
});

afterEach(() => project.close());

/** Stands still when it is reached, until it is let go. */
class Halt {
  readonly reached: Promise<void>;
  #reach!: () => void;
  #letGo!: () => void;
  readonly #gone: Promise<void>;

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
    this.#gone = new Promise((resolve) => {
      this.#letGo = resolve;
    });
  }

  async here(): Promise<void> {
    this.#reach();
    await this.#gone;
  }

  letGo(): void {
    this.#letGo();
  }
}

/** A finish task that stands still in this store; meanwhile its lease ends and another attempt completes the run. */
async function finishTwice(storeOf: (halt: Halt) => Store) {
  const id = await project.start();
  await project.work();
  const halt = new Halt();
  const late = project.work({ store: storeOf(halt) });
  await halt.reached;
  await project.other`
    update backup.task set lease_until = clock_timestamp() - interval '1 second'
    where backup_id = ${id} and kind = 'finish'`;
  await project.other`select backup.tick()`;
  const completed = await project.end(id);
  assert.equal(completed.status, 'completed', JSON.stringify(completed.error));
  halt.letGo();
  assert.equal((await late)?.kind, 'finish');
  return completed;
}

async function assertSealed({ folder, manifest_sha256 }: { folder: string; manifest_sha256: string }): Promise<void> {
  const manifest = await project.store.getBytes(`${folder}/manifest.json`);
  assert.equal(createHash('sha256').update(manifest).digest('hex'), manifest_sha256);
}

test('a late attempt to finish does not take the manifest of the other for a stray', async () => {
  const run = await finishTwice((halt) => ({
    ...project.store,
    async *list(prefix) {
      await halt.here();
      yield* project.store.list(prefix);
    },
  }));
  await assertSealed(run);
});

test('a late attempt to finish does not put its manifest over that of the other', async () => {
  const run = await finishTwice((halt) => ({
    ...project.store,
    async put(key, bytes, options) {
      if (key.endsWith('/checksums.sha256')) await halt.here();
      return await project.store.put(key, bytes, options);
    },
  }));
  await assertSealed(run);
});

test('an attempt to finish that holds its lease removes strays', async () => {
  const id = await project.start();
  await project.work();
  const row = await new Ledger(project.sql as unknown as ConstructorParameters<typeof Ledger>[0]).readRun(id);
  const stray = `${runFolder(row)}/tables/public.gone.copy`;
  await project.store.put(stray, new Uint8Array(1));
  const run = await project.end(id);
  assert.equal(run.status, 'completed', JSON.stringify(run.error));
  assert.equal(await project.store.head(stray), null);
});

test('what a single call gave up is stored at other paths by the calls that take over', async () => {
  // The rows look small in their TOAST table; only the copy shows that they are more than a call takes.
  const limits = { maxRowBytes: MIB };
  const id = await project.start();
  await project.work({ limits });
  const before: string[] = [];
  for await (const { key } of project.store.list('')) before.push(key);
  assert.ok(before.some((key) => key.endsWith('/schema/pre-data.sql')));
  const kept = keepSnapshot(project, id);
  const run = await project.end(id, { limits });
  await kept;
  assert.equal(run.status, 'completed', JSON.stringify(run.error));
  assert.equal(run.way, 'keeper');
  assert.equal((await project.segments(id, 't')).rows, 20);
  const stored = await project.other`
    select path from backup.segment where backup_id = ${id} and path !~ '^(restore.sh|RESTORE.md|checksums|manifest)'`;
  for (const { path } of stored) {
    assert.match(path, /\.try2\./);
    assert.ok(!before.includes(`${run.folder}/${path}`), path);
  }
  for (const key of before) assert.equal(await project.store.head(key), null, `${key} was removed as a stray`);
});

test('a database that is simply too large for one call has paths without attempts', async () => {
  const limits = { singleCallBytes: 0 };
  const id = await project.start();
  await project.work({ limits });
  const kept = keepSnapshot(project, id);
  const run = await project.end(id, { limits });
  await kept;
  assert.equal(run.status, 'completed', JSON.stringify(run.error));
  assert.deepEqual((await project.segments(id, 't')).paths, ['tables/public.t.copy']);
});

test('the tasks that a task is taken apart into count its attempts', async () => {
  const limits = { singleCallBytes: 0 };
  const id = await project.start();
  await project.work({ limits });
  const kept = keepSnapshot(project, id);
  const copies = () => project.other`select from backup.task where backup_id = ${id} and kind = 'copy'`;
  while ((await copies()).length === 0) await project.work({ limits });
  await project.other`update backup.task set attempts = 2 where backup_id = ${id} and kind = 'copy'`;
  const run = await project.end(id, { limits });
  await kept;
  assert.equal(run.status, 'completed', JSON.stringify(run.error));
  assert.deepEqual((await project.segments(id, 't')).paths, ['tables/public.t.try3.copy']);
  assert.deepEqual((await project.segments(id, 'u')).paths, ['tables/public.u.try3.copy']);
});
