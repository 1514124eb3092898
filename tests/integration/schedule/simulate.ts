/** A project's life with a moved clock: heartbeats while it is up, and workers whose runs take time and may fail. */
import type postgres from 'postgres';

const SLICE_MS = 3 * 3_600_000;

/** What is decided about a run depends only on schedule, due time, attempt and seed: every way of ticking sees the same. */
const SIMULATE_SQL = `
  create table backup.test_end_at (id text primary key, ends_at timestamptz not null, outcome text not null);
  create function backup.test_outcome(p_key text, out minutes integer, out outcome text) language sql set search_path = '' as $$
    select case when dice % 20 = 0 then 70 + dice / 20 % 200 else 2 + dice / 20 % 40 end,
      case when dice / 7 % 100 < 82 then 'verified' when dice / 7 % 100 < 85 then 'damaged'
        when dice / 7 % 100 < 97 then 'transient' else 'permanent' end
    from (select abs(hashtextextended(p_key, 0) % 1000000)::integer as dice) as thrown $$;
  create function backup.test_plan(p_now timestamptz, p_seed text) returns void language sql set search_path = '' as $$
    insert into backup.test_end_at
    select open.id, p_now + make_interval(mins => decided.minutes), decided.outcome
    from (
      select coalesce(newest.backup_id, r.backup_id) as id, concat_ws('/', r.name, r.due_at at time zone 'UTC', coalesce(newest.attempt, 1), p_seed) as key
      from backup.schedule_run r
      join lateral (
        with recursive chain as (
          select l.* from public.backup_log l where l.backup_id = r.backup_id
          union all select l.* from public.backup_log l join chain on l.retry_of = chain.backup_id)
        select * from chain where status = 'in_progress') as newest on true
      where r.state = 'running' and r.job_id is null
      union all
      select r.job_id::text, concat_ws('/', r.name, r.due_at at time zone 'UTC', p_seed)
      from backup.schedule_run r where r.state = 'running' and r.job_id is not null
    ) as open
    cross join lateral backup.test_outcome(open.key) as decided
    on conflict (id) do nothing $$;
  create function backup.test_end_due(p_now timestamptz) returns void language plpgsql set search_path = '' as $$
  declare
    v_end backup.test_end_at;
  begin
    for v_end in delete from backup.test_end_at where ends_at <= p_now returning * loop
      if exists (select from backup.job where id::text = v_end.id) then
        perform backup.end_job(v_end.id::uuid, 'done', null, jsonb_build_object('verdict',
          case v_end.outcome when 'verified' then 'passed' else 'failed' end));
      else
        perform backup.test_end(v_end.id, v_end.outcome);
      end if;
    end loop;
  end $$;
  -- At every heartbeat: at most one run of a schedule goes on, by the schedules' book and by the ledger of the runs.
  create function backup.test_assert_alone(p_now timestamptz) returns void language plpgsql set search_path = '' as $$
  declare
    v_name text;
  begin
    select name into v_name from (
      select name from backup.schedule_run where state in ('running', 'verifying')
      group by name having count(*) > 1
      union all
      select request ->> 'reason' from public.backup_log where status = 'in_progress'
      group by 1 having count(*) > 1) as twice(name) limit 1;
    if found then
      raise exception 'two runs of % overlap at %', v_name, p_now;
    end if;
  end $$;
  -- Heartbeats from p_from to p_until. Not minute by minute: between a full hour, the end of a run, the edge of a window
  -- and the time of a retry no heartbeat finds anything to do.
  create function backup.test_live(p_from timestamptz, p_until timestamptz, p_seed text, p_each_minute boolean)
  returns integer language plpgsql set search_path = '' as $$
  declare
    v_now timestamptz := p_from;
    v_steps integer := 0;
  begin
    while v_now < p_until loop
      perform backup.test_end_due(v_now);
      if (backup.serve_schedules(v_now) -> 'failed') <> '{}' then
        raise exception 'a schedule cannot be served';
      end if;
      perform backup.test_assert_alone(v_now);
      perform backup.test_plan(v_now, p_seed);
      v_steps := v_steps + 1;
      if v_steps > 1000 then
        raise exception 'more heartbeats than minutes until %', v_now;
      end if;
      if p_each_minute then
        v_now := v_now + interval '1 minute';
      else
        select min(at) into v_now from (
          select date_trunc('hour', v_now, 'UTC') + interval '1 hour'
          union all select ends_at from backup.test_end_at
          union all select v_now + interval '1 minute' from public.backup_log l
            where l.status = 'in_progress' and not exists (select from backup.test_end_at e where e.id = l.backup_id)
          union all select not_before from backup.schedule_run where state = 'waiting' and not_before > v_now
          union all select ends_at from backup.maintenance_window where ends_at > v_now
        ) as change(at) where at > v_now;
      end if;
    end loop;
    return v_steps;
  end $$`;

export interface Span {
  readonly from: number;
  readonly until: number;
}

export interface Life {
  readonly from: number;
  readonly until: number;
  /** The project is paused, or restarts: no heartbeat, and nothing ends. */
  readonly down: readonly Span[];
  readonly maintenance: readonly Span[];
  readonly seed: string;
  readonly eachMinute?: boolean;
}

/** Lives it to the end; returns how many heartbeats it took. All times are full minutes, in milliseconds. */
export async function live(sql: postgres.Sql, life: Life): Promise<number> {
  await sql.unsafe(SIMULATE_SQL).simple();
  const time = (ms: number) => new Date(ms).toISOString();
  for (const { from, until } of life.maintenance) {
    await sql`select backup.maintenance_set(${time(from)}, ${time(until)}, 'simulated')`;
  }
  let heartbeats = 0;
  let from = life.from;
  for (const span of [...life.down, { from: life.until, until: life.until }]) {
    // A few hours are a transaction: row versions that one transaction made are in its own way.
    for (let at = from; at < span.from; at += SLICE_MS) {
      const [row] = await sql`
        select backup.test_live(${time(at)}, ${time(Math.min(at + SLICE_MS, span.from))}, ${life.seed}, ${life.eachMinute ?? false}) as steps`;
      heartbeats += row!.steps;
    }
    from = span.until;
  }
  return heartbeats;
}
