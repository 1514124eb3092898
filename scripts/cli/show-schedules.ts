import { displayName } from '../../supabase/functions/_shared/archive/display-name.ts';
import type { Sql } from '../../supabase/functions/_shared/postgres/open-driver.ts';
import { intervalWords } from './interval-words.ts';
import { plainTable } from './plain-table.ts';
import type { Output } from './run-export.ts';
import { line } from './terminal.ts';
import { utcWords } from './utc-words.ts';

interface ScheduleRow {
  readonly name: string;
  readonly work: string;
  readonly cron: string;
  readonly state: string;
  readonly next_at: Date | null;
  readonly last_due_at: Date | null;
  readonly last_state: string | null;
  readonly last_reason: string | null;
  readonly retention: string | null;
  readonly objective_rpo: string | null;
}

interface WindowRow {
  readonly id: number;
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly reason: string;
  readonly schedules: string[] | null;
  readonly open: boolean;
}

const left = (count: number) => Array<'left'>(count).fill('left');
const time = (at: Date | null) => (at === null ? '' : utcWords(at).replace(' UTC', ''));

/** Prints every schedule. Throws what the driver throws. */
export async function listSchedules(sql: Sql, { terminal, json }: Output): Promise<void> {
  const rows = await sql<ScheduleRow[]>`select * from backup.schedule_list()`;
  if (json) return line(terminal.stdout, JSON.stringify({ schedules: rows }));
  const head = [
    'schedule',
    'does',
    'when (UTC)',
    'state',
    'next (UTC)',
    'last (UTC)',
    'result',
    'kept',
    'loses at most',
  ];
  const table = plainTable(head, left(head.length));
  for (const row of rows) {
    const result = [row.last_state, row.last_reason].filter(Boolean).join(': ');
    table.push([
      row.name,
      row.work,
      row.cron,
      displayName(row.state),
      time(row.next_at),
      time(row.last_due_at),
      displayName(result),
      row.retention ?? '',
      intervalWords(row.objective_rpo ?? ''),
    ]);
  }
  line(terminal.stdout, table.toString());
}

/** Prints due times to come, of one schedule or of all that are on. */
export async function showNextTimes(
  sql: Sql,
  { name, count }: { name: string | null; count: number },
  { terminal, json }: Output,
): Promise<void> {
  const rows = await sql<{ name: string; due_at: Date; note: string | null }[]>`
    select * from backup.schedule_next(${name}, ${count})`;
  if (json) return line(terminal.stdout, JSON.stringify({ next: rows }));
  if (rows.length === 0) return line(terminal.stdout, 'Nothing is due: no schedule is on. See schedule.ts list.');
  const table = plainTable(['time (UTC)', 'schedule', ''], left(3));
  for (const row of rows) table.push([time(row.due_at), row.name, displayName(row.note ?? '')]);
  line(terminal.stdout, table.toString());
}

/** Prints the windows that are open or to come. */
export async function showMaintenance(sql: Sql, { terminal, json }: Output): Promise<void> {
  const rows = await sql<WindowRow[]>`
    select id, starts_at, ends_at, reason, schedules, starts_at <= now() as open
    from backup.maintenance_window where ends_at > now() order by starts_at, id`;
  if (json) return line(terminal.stdout, JSON.stringify({ windows: rows }));
  if (rows.length === 0) return line(terminal.stdout, 'There is no maintenance window.');
  const table = plainTable(['id', 'from (UTC)', 'until (UTC)', 'holds', 'reason', ''], ['right', ...left(5)]);
  for (const { id, starts_at, ends_at, schedules, reason, open } of rows) {
    const holds = schedules?.join(', ') ?? 'all';
    table.push([id, time(starts_at), time(ends_at), holds, displayName(reason), open ? 'open' : '']);
  }
  line(terminal.stdout, table.toString());
}
