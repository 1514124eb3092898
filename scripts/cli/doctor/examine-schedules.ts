import type { Sql } from 'postgres';
import { type Finding, ok, problem, warning } from './finding.ts';

interface ScheduleRow {
  readonly name: string;
  readonly work: string;
  readonly scope: string;
  readonly state: string;
  /** Paused, and until somebody resumes it. */
  readonly endless: boolean;
  readonly next_at: Date | null;
}

const ENABLE = "select backup.schedule_set('daily-full', p_enabled => true);";

/** Whether anything backs everything up by itself, and whether a pause without an end was forgotten. */
export async function examineSchedules(sql: Sql): Promise<Finding[]> {
  const [there] = await sql`select to_regprocedure('backup.schedule_list(timestamptz)') is not null as there`;
  if (!there!.there)
    return [problem('schedules', 'the migrations that make schedules are not applied', 'npx supabase db push')];
  const rows = await sql<ScheduleRow[]>`
    select name, work, scope, state, next_at, state = 'paused' and paused_until = 'infinity' as endless from backup.schedule_list()`;
  const paused = rows.filter(({ endless }) => endless);
  const on = rows.filter(({ next_at }) => next_at !== null);
  const [next] = on.toSorted((a, b) => a.next_at!.getTime() - b.next_at!.getTime());
  const full = on.some(backsUpAll);
  const configured = rows.every(({ state }) => state !== 'not configured');
  return [
    ...paused.map(({ name }) =>
      warning(`schedule ${name}`, 'is paused without an end', `select backup.schedule_resume('${name}');`),
    ),
    ...(configured && !full && !paused.some(backsUpAll)
      ? [problem('schedules', 'none that is on backs up everything: there will be no full backup', ENABLE)]
      : []),
    ...(next && full
      ? [ok('schedules', `${on.length} on; the next is ${next.name} at ${next.next_at!.toISOString().slice(0, 16)}Z`)]
      : []),
    ...(configured ? [] : [warning('schedules', 'nothing is due before the project is configured', CONFIGURE)]),
  ];
}

const backsUpAll = ({ work, scope }: ScheduleRow) => work === 'backup' && scope === 'full';

const CONFIGURE = "select backup.configure('https://<project ref>.supabase.co/functions/v1');";
