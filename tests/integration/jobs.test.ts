/** Jobs: slices under leases, progress that survives dead workers, places per kind, and an end that is told once. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Sql } from 'postgres';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { createLogger } from '../../supabase/functions/_shared/log.ts';
import { nodePlatform } from '../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../supabase/functions/_shared/postgres/open-driver.ts';
import { JobLedger } from '../../supabase/functions/_shared/runs/job-ledger.ts';
import type { JobStep } from '../../supabase/functions/_shared/runs/job-row.ts';
import { runSlice } from '../../supabase/functions/_shared/runs/serve-jobs.ts';
import { createTestDatabase, type TestDatabase } from '../support/template-database.ts';

let database: TestDatabase;
let sql: Sql;
let ledger: JobLedger;
const log = createLogger(() => {});

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  sql = openDriver(database.url, { max: 4, applicationName: 'job tests', platform: nodePlatform }) as unknown as Sql;
  ledger = new JobLedger(sql, 'counter');
  await sql`create table backup.ended_jobs (id uuid, state text, error text)`;
  await sql`
    create function backup.note_end(p_job backup.job) returns void language sql set search_path = '' as
    $$ insert into backup.ended_jobs values (p_job.id, p_job.state, p_job.error ->> 'code') $$`;
  await sql`
    insert into backup.job_kind (kind, function_name, parallelism, attempts, on_end)
    values ('count', 'counter', 2, 3, 'note_end'), ('other', 'elsewhere', 1, 3, null)`;
});

after(async () => {
  await sql?.end();
  await database?.drop();
});

beforeEach(async () => {
  await sql`truncate backup.job, backup.ended_jobs, backup.job_ticket`;
});

async function start(subject: string | null = null, kind = 'count'): Promise<string> {
  const [row] = await sql`select backup.start_job(${kind}, ${subject}) as id`;
  return row!.id as string;
}

const read = async (id: string) => (await sql`select * from backup.job where id = ${id}`)[0]!;
const ended = () => sql`select state, error from backup.ended_jobs`;
const slice = (step: JobStep) => runSlice({ stepFor: async () => step, workerName: 'test', log }, ledger);

const countToThree: JobStep = async ({ job }) => {
  const n = Number((job.progress as { n?: number }).n ?? 0) + 1;
  return n < 3 ? { state: 'again', progress: { n } } : { state: 'done', result: { n } };
};

test('a job goes on from its progress, slice by slice, until it is done, and its end is told once', async () => {
  const id = await start();
  let slices = 0;
  while (await slice(countToThree)) slices += 1;
  assert.equal(slices, 3);
  const job = await read(id);
  assert.deepEqual([job.state, job.result], ['done', { n: 3 }]);
  assert.deepEqual([...(await ended())], [{ state: 'done', error: null }]);
});

test('a worker that died leaves what it saved, and the next one goes on from there', async () => {
  const id = await start();
  const dead = await ledger.claim('dead');
  await ledger.hold(dead!).save({ n: 2 });
  await sql`update backup.job set lease_until = now() - interval '1 second' where id = ${id}`;
  await sql`select backup.tick_jobs()`;
  await sql`update backup.job set not_before = now() where id = ${id}`;
  assert.equal(await slice(countToThree), true);
  assert.deepEqual((await read(id)).result, { n: 3 });
  await assert.rejects(ledger.finish(dead!, {}), { code: 'LEASE_LOST' });
  await assert.rejects(ledger.hold(dead!).save({}), { code: 'LEASE_LOST' });
  await assert.rejects(ledger.hold(dead!).extend(), { code: 'LEASE_LOST' });
});

test('transient failures are tried again up to the limit of the kind, permanent ones end the job at once', async () => {
  const id = await start();
  const busy: JobStep = async () => {
    throw ERRORS.DATABASE_UNREACHABLE('busy');
  };
  for (let attempt = 1; attempt <= 3; attempt++) {
    assert.equal((await read(id)).state, 'pending');
    await sql`update backup.job set not_before = now() where id = ${id}`;
    await slice(busy);
  }
  assert.equal((await read(id)).state, 'failed');
  await start();
  await slice(async () => {
    throw ERRORS.REQUEST_INVALID('no');
  });
  assert.deepEqual(
    (await ended()).map((row) => row.error),
    ['DATABASE_UNREACHABLE', 'REQUEST_INVALID'],
  );
});

test('progress forgives earlier failures', async () => {
  const id = await start();
  for (let round = 0; round < 4; round++) {
    await sql`update backup.job set not_before = now() where id = ${id}`;
    await slice(async () => {
      throw ERRORS.DATABASE_UNREACHABLE('busy');
    });
    await sql`update backup.job set not_before = now() where id = ${id}`;
    await slice(async () => ({ state: 'again', progress: { round } }));
  }
  assert.deepEqual([(await read(id)).state, (await read(id)).attempts], ['pending', 0]);
});

test('a subject has one open job of a kind', async () => {
  const first = await start('a');
  assert.equal(await start('a'), first);
  assert.notEqual(await start('b'), first);
  await sql`select backup.cancel_job(${first})`;
  assert.notEqual(await start('a'), first);
});

test('a cancelled job is ended under the hands of its worker', async () => {
  const id = await start();
  const job = await ledger.claim('w');
  assert.equal((await sql`select backup.cancel_job(${id}) as ok`)[0]!.ok, true);
  assert.equal((await sql`select backup.cancel_job(${id}) as ok`)[0]!.ok, false);
  await assert.rejects(ledger.continue(job!, { n: 1 }, 0), { code: 'LEASE_LOST' });
  assert.deepEqual(
    (await ended()).map((row) => row.state),
    ['cancelled'],
  );
});

test('never more jobs of a kind at once than it has places, whoever asks how often', async () => {
  for (let n = 0; n < 8; n++) await start();
  const claims = await Promise.all(Array.from({ length: 12 }, (_, n) => ledger.claim(`w${n}`)));
  assert.equal(claims.filter((job) => job !== null).length, 2);
  assert.equal(await ledger.nextDueInMs(), null);
});

test('a ticket opens one function once, and there are never more than free places', async () => {
  for (let n = 0; n < 5; n++) await start();
  const rounds = await Promise.all([1, 2, 3, 4].map(() => ledger.issueTickets()));
  const tickets = rounds.flat();
  assert.equal(tickets.length, 2);
  const elsewhere = new JobLedger(sql, 'elsewhere');
  assert.equal(await elsewhere.redeemTicket(tickets[0]!), false);
  assert.equal(await ledger.redeemTicket(tickets[0]!), true);
  assert.equal(await ledger.redeemTicket(tickets[0]!), false);
  assert.equal(await ledger.redeemTicket('f'.repeat(64)), false);
});

test('functions take only their own jobs', async () => {
  await start(null, 'other');
  assert.equal(await ledger.claim('w'), null);
  assert.equal((await new JobLedger(sql, 'elsewhere').claim('w'))!.kind, 'other');
});

test('a step of the heartbeat that fails is announced once an hour, and the others still run', async () => {
  await sql`create function backup.broken_step() returns int language sql set search_path = '' as 'select 1 / 0'`;
  await sql`insert into backup.tick_step (name, position) values ('broken_step', 1)`;
  for (let n = 0; n < 2; n++) {
    const [row] = await sql`select backup.tick() -> 'steps' as steps`;
    assert.equal(row!.steps.broken_step.code, '22012');
    assert.equal(row!.steps.tick_jobs.expired_leases, 0);
  }
  const alerts = await sql`select 1 from public.system_health_alerts where alert_type = 'tick_step_failed'`;
  assert.equal(alerts.length, 1);
});

test('no API role reads jobs or calls their functions', async () => {
  for (const role of ['anon', 'authenticated', 'service_role']) {
    await assert.rejects(
      sql.begin(async (scope) => {
        await scope.unsafe(`set local role ${role}`);
        await scope`select backup.start_job('count')`;
      }),
      { code: '42501' },
    );
  }
});

test('the heartbeat takes its locks in the order of workers: neither ends the other by a deadlock', async () => {
  const id = 'manual_20260114_020000_0badc0de';
  await sql`insert into public.backup_log (backup_id, backup_type, status, stage) values (${id}, 'manual', 'in_progress', 'planning')`;
  const [task] = await sql`
    insert into backup.task (backup_id, kind, state, attempts, lease_token, lease_until)
    values (${id}, 'plan', 'claimed', 1, gen_random_uuid(), now() - interval '1 minute') returning id`;
  let tick: Promise<unknown> = Promise.resolve();
  await sql.begin(async (worker) => {
    await worker`select from public.backup_log where backup_id = ${id} for update`;
    tick = sql`select backup.tick()`.execute();
    const waits = () =>
      sql`select from pg_stat_activity where wait_event_type = 'Lock' and query like '%backup.tick()%'`;
    for (let n = 0; n < 100 && (await waits()).length === 0; n++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    await worker`update backup.task set state = 'done', lease_token = null where id = ${task!.id}`;
  });
  await tick;
  assert.equal((await sql`select state from backup.task where id = ${task!.id}`)[0]!.state, 'done');
});
