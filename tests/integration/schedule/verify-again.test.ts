/** Kept backups are verified again by the heartbeat, before the health check integrity complains. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { ask, openAs, setSetting, setThreshold } from '../health/health-harness.ts';
import { type Outcome, type ScheduleProject, scheduleProject } from './schedule-harness.ts';

let project: ScheduleProject;
let sql: ScheduleProject['sql'];

before(async () => {
  project = await scheduleProject('2026-01-01T00:00:00Z');
  sql = project.sql;
});

after(async () => await project?.close());

beforeEach(async () => {
  await sql`truncate public.backup_log, public.backup_verification, backup.task, backup.maintenance_window`;
  await setSetting(sql, 'reverify_days', 60);
  await setSetting(sql, 'reverify_per_day', 10);
  await sql`update backup.setting set value = '"quick"' where name = 'reverify_kind'`;
  await setThreshold(sql, 'verification_age_days', 90);
});

interface Kept {
  readonly ageDays: number;
  /** Of its newest verdict; null: it has none. */
  readonly verifiedDays: number | null;
  readonly status?: string;
  readonly folder?: string | null;
}

async function keep(id: string, { ageDays, verifiedDays, status = 'completed', folder = id }: Kept): Promise<void> {
  await sql`
    insert into public.backup_log (backup_id, backup_type, started_at, completed_at, status, stage, folder)
    select ${id}, 'weekly', at, at, ${status}, 'done', ${folder} from (select now() - ${ageDays} * interval '1 day' as at) as t`;
  if (verifiedDays === null) return;
  await sql`
    insert into public.backup_verification (backup_id, verification_type, verification_date, success, details)
    values (${id}, 'checksum', now() - ${verifiedDays} * interval '1 day', true, '{"kind": "quick", "state": "passed"}')`;
}

async function beat(): Promise<Record<string, string>> {
  const [row] = await sql`select backup.verify_kept_backups() as said`;
  return row!.said;
}

/** The worker's part. */
const end = (id: string, outcome: Outcome = 'verified') => sql`select backup.test_verify(${id}, ${outcome})`;

test('the backup whose verification is oldest is verified again first, one after the other, and then none', async () => {
  await keep('weekly_recent', { ageDays: 300, verifiedDays: 10 });
  await keep('weekly_old', { ageDays: 80, verifiedDays: 61 });
  await keep('weekly_oldest', { ageDays: 79, verifiedDays: 79 });
  assert.deepEqual(await beat(), { verifies: 'weekly_oldest' });
  assert.deepEqual(await beat(), { held: 'busy' });
  await end('weekly_oldest');
  assert.deepEqual(await beat(), { verifies: 'weekly_old' });
  await end('weekly_old');
  assert.deepEqual(await beat(), {});
  const [row] = await sql`
    select details from public.backup_verification where backup_id = 'weekly_old' order by verification_date desc limit 1`;
  assert.deepEqual([row!.details.kind, row!.details.state, row!.details.again], ['quick', 'passed', true]);
});

test('a backup that never had a verdict gets one before the check names it', async () => {
  await keep('weekly_unseen', { ageDays: 0.6, verifiedDays: null });
  await keep('weekly_new', { ageDays: 0.4, verifiedDays: null });
  assert.deepEqual(await beat(), { verifies: 'weekly_unseen' });
  await end('weekly_unseen');
  assert.deepEqual(await beat(), {}, 'the verification that belongs to a new backup has half a day');
});

test('only so many are begun in a day, and none is where it is switched off', async () => {
  await setSetting(sql, 'reverify_per_day', 2);
  for (const name of ['a', 'b', 'c']) await keep(`weekly_${name}`, { ageDays: 100, verifiedDays: 70 });
  for (const name of ['a', 'b']) {
    assert.deepEqual(await beat(), { verifies: `weekly_${name}` });
    await end(`weekly_${name}`);
  }
  assert.deepEqual(await beat(), { held: 'enough for a day' });
  await sql`update public.backup_verification set verification_date = verification_date - interval '25 hours'`;
  assert.deepEqual(await beat(), { verifies: 'weekly_c' });
  await end('weekly_c');
  await keep('weekly_d', { ageDays: 100, verifiedDays: 70 });
  await setSetting(sql, 'reverify_days', 0);
  assert.deepEqual(await beat(), { held: 'switched off' });
});

test('backups under way, maintenance and a project that is not configured come first', async () => {
  await keep('weekly_old', { ageDays: 100, verifiedDays: 70 });
  await keep('weekly_now', { ageDays: 0, verifiedDays: null, status: 'in_progress' });
  assert.deepEqual(await beat(), { held: 'busy' });
  await sql`delete from public.backup_log where backup_id = 'weekly_now'`;
  await sql`select backup.maintenance_set(now() - interval '1 hour', now() + interval '1 hour', 'upgrade', '{daily-full}')`;
  const [window] =
    await sql`select backup.maintenance_set(now() - interval '1 hour', now() + interval '1 hour', 'upgrade') as id`;
  assert.deepEqual(await beat(), { held: 'maintenance' });
  await sql`select backup.maintenance_end(${window!.id})`;
  const [url] = await sql`delete from backup.setting where name = 'functions_url' returning value`;
  assert.deepEqual(await beat(), { held: 'not configured' });
  await sql`insert into backup.setting (name, value) values ('functions_url', ${sql.json(url!.value)})`;
  assert.deepEqual(await beat(), { verifies: 'weekly_old' }, 'a window of one schedule does not hold it');
});

test('what failed, what was deleted, and rows of somebody else are left alone', async () => {
  await sql`alter table public.backup_log add column if not exists deleted_at timestamptz`;
  await keep('weekly_failed', { ageDays: 100, verifiedDays: 70, status: 'failed' });
  await keep('weekly_deleted', { ageDays: 100, verifiedDays: 70 });
  await sql`update public.backup_log set deleted_at = now() where backup_id = 'weekly_deleted'`;
  await keep('weekly_theirs', { ageDays: 100, verifiedDays: null, folder: null });
  assert.deepEqual(await beat(), {});
  await sql`alter table public.backup_log drop column deleted_at`;
});

test('one that cannot be verified does not take the turn of the others, and is tried again the next day', async () => {
  await keep('weekly_away', { ageDays: 100, verifiedDays: 80 });
  await keep('weekly_there', { ageDays: 100, verifiedDays: 70 });
  assert.deepEqual(await beat(), { verifies: 'weekly_away' });
  await end('weekly_away', 'unverifiable');
  assert.deepEqual(await beat(), { verifies: 'weekly_there' });
  await end('weekly_there');
  assert.deepEqual(await beat(), {});
  await sql`update public.backup_verification set verification_date = verification_date - interval '25 hours'`;
  assert.deepEqual(await beat(), { verifies: 'weekly_away' });
});

test('a store that is away for months is told, however often it is tried', async () => {
  await keep('weekly_away', { ageDays: 100, verifiedDays: 70 });
  await keep('weekly_lost', { ageDays: 10, verifiedDays: null });
  await beat();
  await end('weekly_lost', 'unverifiable');
  await beat();
  await end('weekly_away', 'unverifiable');
  const reader = openAs(project.url);
  try {
    const words = async () => (await ask(reader, 'integrity')).items.map(({ name, detail }) => `${name} ${detail}`);
    assert.deepEqual(await words(), [
      'weekly_lost was never verified',
      'weekly_away its verification could not be carried out',
    ]);
    await sql`update public.backup_verification set verification_date = verification_date - interval '21 days' where success`;
    assert.deepEqual(await words(), [
      'weekly_lost was never verified',
      'weekly_away was verified more than 90 days ago',
    ]);
  } finally {
    await reader.end();
  }
});

test('by setting every byte is read, and a shorter limit of the check is kept too', async () => {
  await sql`update backup.setting set value = '"deep"' where name = 'reverify_kind'`;
  await setThreshold(sql, 'verification_age_days', 30);
  await keep('weekly_old', { ageDays: 100, verifiedDays: 21 });
  await keep('weekly_recent', { ageDays: 100, verifiedDays: 19 });
  assert.deepEqual(await beat(), { verifies: 'weekly_old' });
  const [task] = await sql`select payload from backup.task where backup_id = 'weekly_old'`;
  assert.equal(task!.payload.kind, 'deep');
  await end('weekly_old');
  assert.deepEqual(await beat(), {});
});

test('damage that it finds is told like any other', async () => {
  await keep('weekly_bad', { ageDays: 100, verifiedDays: 70 });
  await beat();
  await end('weekly_bad', 'damaged');
  const [log] =
    await sql`select status, error ->> 'code' as code from public.backup_log where backup_id = 'weekly_bad'`;
  assert.deepEqual([log!.status, log!.code], ['failed', 'VERIFICATION_FAILED']);
  assert.equal((await project.alerts('backup_verification_failed')).length, 1);
  assert.deepEqual(await beat(), {}, 'it is no backup any more');
});

test('two heartbeats at once begin one', async () => {
  await keep('weekly_a', { ageDays: 100, verifiedDays: 70 });
  await keep('weekly_b', { ageDays: 100, verifiedDays: 69 });
  const said = await Promise.all([beat(), beat(), beat(), beat()]);
  assert.deepEqual(
    said.flatMap(({ verifies }) => verifies ?? []),
    ['weekly_a'],
  );
});

test('200 days with 60 kept backups: the check never complains', { timeout: 240_000 }, async () => {
  for (let n = 0; n < 60; n += 1) {
    await keep(`weekly_${String(n).padStart(3, '0')}`, { ageDays: 60 + n * 3, verifiedDays: 50 });
  }
  const reader = openAs(project.url);
  try {
    for (let day = 0; day < 200; day += 1) {
      for (let said = await beat(); said.verifies !== undefined; said = await beat()) await end(said.verifies);
      await sql`
        with a as (update public.backup_verification set verification_date = verification_date - interval '1 day')
        update public.backup_log set started_at = started_at - interval '1 day', completed_at = completed_at - interval '1 day'`;
      if (day % 5 > 0) continue;
      const line = await ask(reader, 'integrity');
      assert.equal(line.state, 'healthy', `day ${day}: ${line.detail}`);
    }
  } finally {
    await reader.end();
  }
});
