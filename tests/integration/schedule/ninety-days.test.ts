/** Ninety days of every cadence, with pauses, restarts, failing runs and maintenance: no period missed, none doubled. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cron } from 'croner';
import type { PostgresMajor } from '../../../scripts/dev/stack/database/postgres-binaries.ts';
import { type ScheduleProject, type ScheduleRun, scheduleProject } from './schedule-harness.ts';
import { type Life, live, type Span } from './simulate.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2025, 11, 10, 0, 30);

/** The presets; increments and archives by backups of their times, as that work is another part's. */
const SCHEDULES: Readonly<Record<string, string>> = {
  'hourly-full': '0 * * * *',
  'daily-full': '0 2 * * *',
  'weekly-critical': '0 3 * * 0',
  'monthly-full': '0 4 1 * *',
  'yearly-full': '0 5 1 1 *',
  'weekly-drill': '0 6 * * 0',
  'monthly-drill': '0 6 2 * *',
};

async function openProject(major: PostgresMajor): Promise<ScheduleProject> {
  const start = new Date(START).toISOString();
  const project = await scheduleProject(start, { major });
  const { sql } = project;
  const add = (name: string, cadence: string) =>
    sql`select backup.schedule_set(${name}, p_work => 'backup', p_cron => ${SCHEDULES[name]!}, p_cadence => ${cadence}, p_now => ${start})`;
  await add('hourly-full', 'hourly');
  await add('yearly-full', 'yearly');
  for (const name of ['monthly-full', 'weekly-drill', 'monthly-drill'])
    await sql`select backup.schedule_set(${name}, p_enabled => true, p_now => ${start})`;
  await sql`update backup.schedule set checked_until = ${start}`;
  // Something to drill from the first day on.
  const [row] = await sql`select backup.start_run('{"scope": "full", "cadence": "manual"}') as id`;
  await sql`select backup.test_end(${row!.id}, 'verified')`;
  return project;
}

/** Numbers from 0 to 1 that are the same every time. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Spans one after another, some days apart, each as long as one of `lengths`. */
function spans(throwDice: () => number, options: { days: number; lengths: readonly number[]; apart: number }): Span[] {
  const found: Span[] = [];
  let at = START + Math.floor(throwDice() * options.apart * 1440) * MINUTE;
  while (at < START + options.days * DAY) {
    const length = options.lengths[Math.floor(throwDice() * options.lengths.length)]!;
    found.push({ from: at, until: Math.min(at + length, START + options.days * DAY) });
    at += length + Math.floor((0.2 + throwDice()) * options.apart * 1440) * MINUTE;
  }
  return found;
}

function makeLife(seed: number, days: number): Life {
  const throwDice = dice(seed);
  const down = spans(throwDice, { days, apart: 3, lengths: [2 * MINUTE, 3 * HOUR, 14 * HOUR, 2.5 * DAY, 6 * DAY] });
  const maintenance = spans(throwDice, { days, apart: 8, lengths: [HOUR, 5 * HOUR, 30 * HOUR] });
  return { from: START, until: START + days * DAY, down, maintenance, seed: String(seed) };
}

const isIn = (list: readonly Span[], at: number) => list.some(({ from, until }) => at >= from && at < until);

const GRACE: Readonly<Record<string, number>> = {
  'hourly-full': HOUR,
  'daily-full': DAY,
  'weekly-critical': 7 * DAY,
  'monthly-full': 30 * DAY,
  'yearly-full': 90 * DAY,
  'weekly-drill': 3 * DAY,
  'monthly-drill': 14 * DAY,
};

/** The first minute at or after a due time in which somebody looks, no window is open and no other run of the schedule goes on. */
function firstFreeMinute(due: number, life: Life, runs: readonly ScheduleRun[]): number {
  const others = runs.filter((run) => run.began_at !== null && run.due_at.getTime() < due);
  const busy = others.map((run) => ({
    from: run.began_at!.getTime(),
    until: run.ended_at?.getTime() ?? Number.POSITIVE_INFINITY,
  }));
  let at = due;
  while (at < life.until && (isIn(life.down, at) || isIn(life.maintenance, at) || isIn(busy, at))) at += MINUTE;
  return at;
}

/** What the due times of one schedule must have become, by croner and the rules alone. */
function assertLived(name: string, runs: readonly ScheduleRun[], life: Life): void {
  const expected: number[] = [];
  const cron = new Cron(SCHEDULES[name]!, { timezone: 'UTC', mode: '5-part' });
  const lastLook = isIn(life.down, life.until - MINUTE) ? life.down.at(-1)!.from - MINUTE : life.until - MINUTE;
  for (let at = cron.nextRun(new Date(life.from)); at && at.getTime() <= lastLook; at = cron.nextRun(at)) {
    expected.push(at.getTime());
  }
  assert.deepEqual(
    runs.map(({ due_at }) => due_at.getTime()),
    expected,
    `${name}: each period has its row`,
  );
  for (const [index, run] of runs.entries()) {
    const due = run.due_at.getTime();
    const what = `${name} ${run.due_at.toISOString()} ${run.state} (${run.reason})`;
    const free = firstFreeMinute(due, life, runs);
    const next = expected[index + 1] ?? Number.POSITIVE_INFINITY;
    if (run.began_at !== null) {
      assert.equal(new Date(run.began_at).toISOString(), new Date(free).toISOString(), `${what}: begins when it can`);
      assert.equal(run.made_up, free > due + 2 * MINUTE, what);
      assert.ok(free - due <= GRACE[name]!, what);
    } else if (run.state === 'superseded') {
      assert.ok(free >= next, `${what}: it could have begun at ${new Date(free).toISOString()}`);
    } else if (run.state === 'skipped') {
      assert.ok(free - due > GRACE[name]! && free < next, what);
    } else {
      assert.equal(run.state, 'waiting', what);
      assert.ok(free >= life.until, what);
    }
  }
  const begun = runs.filter((run) => run.began_at !== null);
  for (const [index, run] of begun.entries()) {
    const after = begun[index + 1];
    if (after) assert.ok(run.ended_at! <= after.began_at!, `${name}: ${run.due_at.toISOString()} overlaps the next`);
  }
}

/** Every begun time has one run, and the others are its retries. */
async function assertRunsOnce({ sql }: ScheduleProject): Promise<void> {
  const rows = await sql`
    select s.name,
      (select count(*)::int from public.backup_log l
       where l.request ->> 'reason' = 'schedule ' || s.name and l.retry_of is null) as first_runs,
      (select count(*)::int from public.backup_log l where l.request ->> 'reason' = 'schedule ' || s.name) as all_runs,
      (select count(*)::int from backup.schedule_run r where r.name = s.name and r.began_at is not null) as begun,
      (select coalesce(sum(attempts), 0)::int from backup.schedule_run r where r.name = s.name) as attempts
    from backup.schedule s where s.work = 'backup'`;
  for (const { name, first_runs, all_runs, begun, attempts } of rows) {
    assert.deepEqual([first_runs, all_runs], [begun, attempts], name);
  }
  const [alerts] = await sql`
    select (select count(*)::int from public.system_health_alerts where alert_type = 'schedule_failed') as told,
      (select count(*)::int from backup.schedule_run where state = 'failed') as failed`;
  assert.equal(alerts!.told, alerts!.failed, 'each failure is told once');
  const blocked = await sql`select message from public.system_health_alerts where alert_type = 'schedule_blocked'`;
  assert.deepEqual([...blocked], [], 'a run that waits for another one is not blocked');
}

for (const [major, seed] of [
  [17, 20260114],
  [15, 7],
] as const) {
  test(`PostgreSQL ${major}: ninety days pass without a period missed or doubled`, {
    timeout: 400_000,
  }, async (context) => {
    const project = await openProject(major);
    try {
      const life = makeLife(seed, 90);
      const heartbeats = await live(project.sql, life);
      const counts: Record<string, number> = {};
      for (const name of Object.keys(SCHEDULES)) {
        const runs = await project.runs(name);
        for (const { state, made_up } of runs) {
          counts[state] = (counts[state] ?? 0) + 1;
          if (made_up) counts.made_up = (counts.made_up ?? 0) + 1;
        }
        assertLived(name, runs, life);
      }
      await assertRunsOnce(project);
      context.diagnostic(`${heartbeats} heartbeats: ${JSON.stringify(counts)}`);
      for (const state of ['succeeded', 'failed', 'superseded', 'made_up']) {
        assert.ok((counts[state] ?? 0) > 10, `the ninety days had too little of ${state}: ${JSON.stringify(counts)}`);
      }
    } finally {
      await project.close();
    }
  });
}

test('two runs of one schedule at the same time end the simulation at once', async () => {
  const project = await openProject(17);
  try {
    const { sql } = project;
    await sql`drop index backup.schedule_run_active`;
    const [source] = await sql`
      select pg_get_functiondef('backup.begin_waiting(backup.schedule, timestamptz)'::regprocedure) as text`;
    const guard =
      /\n\s+or exists \(select from backup\.schedule_run where name = p_schedule\.name and state in \('running', 'verifying'\)\)/;
    assert.match(source!.text, guard);
    await sql.unsafe(source!.text.replace(guard, ''));
    const life = { from: START, until: START + 3 * DAY, down: [], maintenance: [], seed: '7' };
    await assert.rejects(live(sql, life), /two runs of .*hourly-full overlap at /);
  } finally {
    await project.close();
  }
});

test('a heartbeat each minute comes to the same as one whenever something changes', { timeout: 200_000 }, async () => {
  const lives = await Promise.all(
    [true, false].map(async (eachMinute) => {
      const project = await openProject(17);
      try {
        const down = [{ from: START + 5 * HOUR, until: START + 9 * HOUR + 7 * MINUTE }];
        const maintenance = [{ from: START + 15 * HOUR, until: START + 17 * HOUR + 20 * MINUTE }];
        await live(project.sql, { from: START, until: START + 1.5 * DAY, down, maintenance, seed: '3', eachMinute });
        return await project.sql`
          select name, due_at, state, made_up, attempts, reason, began_at, ended_at from backup.schedule_run order by 1, 2`;
      } finally {
        await project.close();
      }
    }),
  );
  assert.ok(lives[0]!.length > 30);
  assert.deepEqual([...lives[0]!], [...lives[1]!]);
});
