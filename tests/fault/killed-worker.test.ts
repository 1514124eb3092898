/** kill -9 of the worker at every kind of task: the run ends well, nothing is orphaned, lost or doubled. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import postgres from 'postgres';
import { type Stack, startStack } from '../../scripts/dev/stack/start-stack.ts';
import { followRun, hurry } from '../support/operator.ts';
import { storeOf } from '../support/store-of.ts';
import { assertAllRows, assertNoOrphans } from '../support/stored-objects.ts';

const TABLES = ['public.bookings', 'public.users', 'public.whatsapp_messages', 'auth.users'];
let stack: Stack;
let admin: postgres.Sql;
let sql: postgres.Sql;

before(async () => {
  stack = await startStack({
    rows: 4000,
    workers: 6,
    workerEnv: { BACKUP_SINGLE_CALL_BYTES: '0', BACKUP_SLICE_BYTES: '1048576' },
  });
  admin = postgres(stack.env.ADMIN_DATABASE_URL!, { max: 2, onnotice: () => {} });
  sql = postgres(stack.env.DATABASE_URL!, { max: 2, onnotice: () => {} });
  await hurry(sql);
  // Says at commit which kind of task has just been claimed, so that the kill meets it at work.
  await admin.unsafe(`
    create function backup.tell_claim() returns trigger language plpgsql set search_path = '' as
      $$ begin perform pg_catalog.pg_notify('claimed', new.kind); return null; end $$;
    create trigger tell_claim after update on backup.task for each row
      when (old.state = 'pending' and new.state = 'claimed') execute function backup.tell_claim();`);
});

after(async () => {
  await admin?.end();
  await sql?.end();
  await stack?.stop();
});

for (const kind of ['plan', 'schema', 'copy', 'finish', 'verify']) {
  test(`a worker killed while it works on a ${kind} task leaves a whole backup behind`, async () => {
    const killed = killOnce(kind);
    const [row] = await sql`select public.create_manual_backup(${`kill at ${kind}`}, null) as id`;
    const ended = await followRun(sql, row!.id, 180_000);
    assert.equal(await killed, true, `a worker was killed at ${kind}`);
    assert.equal(ended.status, 'completed', JSON.stringify(ended.row.error));
    const [verification] = await sql`
      select success from public.backup_verification where backup_id = ${ended.backupId} order by verification_date desc limit 1`;
    assert.equal(verification!.success, true);
    await assertAllRows(sql, ended.backupId, TABLES);
    await assertNoOrphans(sql, storeOf(stack.env), ended.backupId);
  });
}

test('a worker killed while it cleans a cancelled run leaves nothing in the store', async () => {
  const killed = killOnce('clean');
  const copying = claimOf('copy');
  const [row] = await sql`select public.create_manual_backup('kill at clean', null) as id`;
  const ticking = followRun(sql, row!.id, 180_000);
  await copying;
  await sql`select backup.cancel_run(${row!.id})`;
  const ended = await ticking;
  assert.equal(await killed, true);
  assert.equal(ended.status, 'cancelled');
  await assertNoOrphans(sql, storeOf(stack.env), row!.id);
});

/** Kills all worker processes at the first claim of a task of this kind; resolves once it did. */
async function killOnce(kind: string): Promise<boolean> {
  await claimOf(kind);
  for (const pid of stack.functionPids('backup-worker')) process.kill(pid, 'SIGKILL');
  return true;
}

/** Resolves at the first claim of a task of this kind. */
async function claimOf(kind: string): Promise<void> {
  return await new Promise((resolve, reject) => {
    let done = false;
    const listening = admin.listen('claimed', (claimed) => {
      if (done || claimed !== kind) return;
      done = true;
      resolve();
      listening.then((meta) => meta.unlisten()).catch(reject);
    });
    listening.catch(reject);
  });
}
