/** The heartbeat and a run whose keeper is not there: has it been lost, or did it leave because its work is done? */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { openProject, type Project, untilWaiting } from './task-harness.ts';

let project: Project;
let id: string;

beforeEach(async () => {
  project = await openProject();
  id = await project.start();
  await project.other`update public.backup_log set stage = 'copying', way = 'keeper' where backup_id = ${id}`;
});

afterEach(() => project.close());

async function run() {
  const [row] = await project.other`
    select status, stage, error ->> 'code' as code from public.backup_log where backup_id = ${id}`;
  return { ...row };
}

test('a run that copies without its keeper is given up', async () => {
  await project.other`select backup.tick()`;
  assert.deepEqual(await run(), { status: 'failed', stage: 'done', code: 'KEEPER_LOST' });
});

test('a run that ends its copying while the heartbeat looks at it goes on', async () => {
  let tick: Promise<unknown> | undefined;
  await project.other.begin(async (sql) => {
    await sql`update public.backup_log set stage = 'finishing' where backup_id = ${id}`;
    tick = project.other`select backup.tick()`.execute();
    await untilWaiting(project, 'backup.tick()');
  });
  await tick;
  assert.deepEqual(await run(), { status: 'in_progress', stage: 'finishing', code: null });
});
