/** How a drill is recorded that could not be carried out: it proves nothing against the backup. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ERRORS, type HoldfastError } from '../../supabase/functions/_shared/errors.ts';
import { createLogger } from '../../supabase/functions/_shared/log.ts';
import { JobLedger } from '../../supabase/functions/_shared/runs/job-ledger.ts';
import { runSlice } from '../../supabase/functions/_shared/runs/serve-jobs.ts';
import { type ScheduleProject, scheduleProject } from './schedule/schedule-harness.ts';

let project: ScheduleProject;
let backupId: string;

before(async () => {
  project = await scheduleProject('2026-01-12T00:00:00Z', { major: 15 });
  const { sql } = project;
  await sql`update backup.setting set value = '0' where name = 'retry_base_seconds'`;
  const [row] = await sql`select backup.start_run('{"cadence": "weekly", "scope": "full"}') as id`;
  backupId = row!.id;
  await sql`select backup.test_end(${backupId}, 'verified')`;
});
after(() => project?.close());

/** Slices until the job has ended, each of which throws; the recorded test. */
async function drillThrowing(error: () => HoldfastError) {
  const { sql } = project;
  const [started] = await sql`select backup.start_drill(${backupId}) as id`;
  const ledger = new JobLedger(sql, 'backup-restore');
  const door = { stepFor: async () => () => Promise.reject(error()), workerName: 'one', log: createLogger(() => {}) };
  let slices = 0;
  while ((await state(started!.id)) === 'in_progress' && slices < 20) {
    assert.equal(await runSlice(door, ledger), true);
    slices += 1;
  }
  await sweepsEnd();
  const [test] = await sql`select * from public.backup_tests where id = ${started!.id}`;
  return { test: test!, slices };
}

async function state(id: string): Promise<string> {
  return (await project.sql`select status from public.backup_tests where id = ${id}`)[0]!.status;
}

/** The sweep that every drill without an end of its own starts. */
async function sweepsEnd(): Promise<void> {
  const ended = await project.sql`
    select backup.end_job(id, 'done', null, '{}') from backup.job where kind = 'drill_sweep' and state = 'pending'`;
  assert.equal(ended.length, 1);
}

for (const code of ['DATABASE_UNREACHABLE', 'STORE_UNREACHABLE', 'DATABASE_CONNECTION_LOST'] as const) {
  test(`a drill that meets ${code} again and again is inconclusive, with the reason, and raises no alarm of a bad backup`, async () => {
    const { test, slices } = await drillThrowing(() => ERRORS[code]('nobody answers at that address'));
    assert.equal(slices, 5, 'tried as often as the kind of job says');
    assert.equal(test.status, 'inconclusive');
    assert.equal(test.success, null);
    assert.equal(test.notes, 'the drill could not be carried out: nobody answers at that address');
    assert.equal(test.errors[0].code, code);
    assert.notEqual(test.completed_at, null);
    assert.deepEqual(await project.alerts('backup_drill_failed'), []);
  });
}

test('a drill whose workers die again and again is inconclusive', async () => {
  const { sql } = project;
  const [started] = await sql`select backup.start_drill(${backupId}) as id`;
  const ledger = new JobLedger(sql, 'backup-restore');
  let claims = 0;
  while ((await state(started!.id)) === 'in_progress' && claims < 20) {
    assert.ok(await ledger.claim('one that dies'));
    claims += 1;
    await sql`update backup.job set lease_until = now() - interval '1 second' where state = 'claimed'`;
    await sql`select backup.tick_jobs()`;
  }
  await sweepsEnd();
  assert.equal(claims, 5);
  const [test] = await sql`select * from public.backup_tests where id = ${started!.id}`;
  assert.deepEqual([test!.status, test!.success, test!.errors[0].code], ['inconclusive', null, 'TASK_ABANDONED']);
  assert.match(test!.notes, /^the drill could not be carried out: the worker of drill job/);
});

for (const code of ['CONFIG_INVALID', 'DRILL_TOO_LARGE'] as const) {
  test(`${code} is inconclusive at once: no attempt would change it`, async () => {
    const { test, slices } = await drillThrowing(() => ERRORS[code]('as it is set'));
    assert.equal(slices, 1);
    assert.deepEqual([test.status, test.errors[0].code], ['inconclusive', code]);
  });
}

test('SQL gives no verdict for drills that could not be carried out', async () => {
  const [row] = await project.sql`select public.test_backup_restoration(${backupId}) as verdict`;
  assert.equal(row!.verdict, null);
  await project.sql`select backup.cancel_job(id) from backup.job where kind = 'drill' and state = 'pending'`;
  await sweepsEnd();
});

test('any other error fails the drill, and a critical alert says so', async () => {
  const { test } = await drillThrowing(() => ERRORS.RESTORE_FAILED('relation already exists'));
  assert.deepEqual([test.status, test.success, test.notes], ['failed', false, 'relation already exists']);
  const alerts = await project.alerts('backup_drill_failed');
  assert.deepEqual(
    alerts.map(({ severity, event_data }) => [severity, event_data.backup_id]),
    [['critical', backupId]],
  );
});

test('a sweep that could not reach its server is tried again ten minutes later, and once only', async () => {
  const { sql } = project;
  const [job] = await sql`select backup.start_job('drill_sweep', 'leftovers') as id`;
  await sql`select backup.end_job(${job!.id}, 'failed', '{"kind": "transient", "message": "gone"}', null)`;
  const open = async () =>
    (await sql`select count(*)::int as n from backup.job where kind = 'drill_sweep' and state = 'pending'`)[0]!.n;
  await sql`select backup.sweep_drills()`;
  assert.equal(await open(), 0);
  await sql`update backup.job set ended_at = now() - interval '11 minutes' where id = ${job!.id}`;
  await sql`select backup.sweep_drills()`;
  await sql`select backup.sweep_drills()`;
  assert.equal(await open(), 1);
});
