/** A scheduled drill restores the newest backup of its cadence, and its verdict is that of the due time. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type ScheduleProject, scheduleProject } from './schedule-harness.ts';

let project: ScheduleProject;

beforeEach(async () => {
  project = await scheduleProject('2026-01-12T00:00:00Z', { major: 15 });
  await project.sql`update backup.schedule set enabled = false`;
  await project.sql`select backup.schedule_set('weekly-drill', p_enabled => true, p_now => '2026-01-12T00:00:00Z')`;
});
afterEach(() => project.close());

async function backup(cadence: string, scope = 'full'): Promise<string> {
  const request = { cadence, scope };
  const [row] = await project.sql`select backup.start_run(${project.sql.json(request)}) as id`;
  await project.sql`select backup.test_end(${row!.id}, 'verified')`;
  return row!.id as string;
}

async function endJob(verdict: string): Promise<void> {
  await project.sql`
    select backup.end_job(id, 'done', null, ${project.sql.json({ verdict })}) from backup.job where kind = 'drill' and state = 'pending'`;
}

test('a drill without any backup is skipped, with one it passes or fails as the drill does', async () => {
  await project.serve('2026-01-18T06:00:00Z');
  await backup('daily');
  const weekly = await backup('weekly', 'critical');
  await backup('daily');
  await project.serve('2026-01-25T06:00:00Z');
  const tests = await project.sql`select backup_id, test_type from public.backup_tests`;
  assert.deepEqual([...tests], [{ backup_id: weekly, test_type: 'weekly' }]);
  assert.deepEqual(
    (await project.runs('weekly-drill')).map(({ state }) => state),
    ['skipped', 'running'],
  );
  await endJob('passed');
  await project.serve('2026-01-25T07:00:00Z');
  await project.serve('2026-02-01T06:00:00Z');
  await endJob('failed');
  await project.serve('2026-02-01T07:00:00Z');
  await project.serve('2026-02-08T06:00:00Z');
  await endJob('inconclusive');
  await project.serve('2026-02-08T07:00:00Z');
  assert.deepEqual(
    (await project.runs('weekly-drill')).map(({ state, reason }) => [state, reason]),
    [
      ['skipped', 'there is no completed backup to restore'],
      ['succeeded', null],
      ['failed', 'the drill found problems: see public.backup_tests'],
      ['failed', 'the drill was inconclusive: see public.backup_tests'],
    ],
  );
  const alerts = await project.alerts('schedule_failed');
  assert.deepEqual(
    alerts.map(({ event_data }) => event_data.escalation_level),
    [1, 2],
  );
});

test('before there is a backup of its cadence a drill takes the newest full one', async () => {
  await backup('daily');
  const newest = await backup('daily');
  await backup('weekly', 'critical');
  await project.sql`update public.backup_log set backup_type = 'manual' where backup_type = 'weekly'`;
  await project.serve('2026-01-18T06:00:00Z');
  assert.equal((await project.runs('weekly-drill'))[0]!.backup_id, newest);
});
