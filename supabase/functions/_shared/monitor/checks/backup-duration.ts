import { durationWords } from '../../domain/duration-words.ts';
import type { CheckItem, HealthCheck } from '../contracts.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

const KINDS = [
  { name: 'daily', threshold: 'daily_minutes' },
  { name: 'full', threshold: 'full_minutes' },
] as const;

/**
 * The newest of each kind, and what is under way and takes too long already. A row without a folder is another system's,
 * unless it has a task: ours get their folder when they are planned.
 */
export const backupDuration: HealthCheck = {
  name: 'backup_duration',
  title: 'How long backups take',
  category: 'backups',
  unit: 'minutes',
  async run({ sql, now, threshold }) {
    const rows = await sql`
      select distinct on (kind, running) kind, backup_id, running,
             extract(epoch from coalesce(completed_at, ${now}::timestamptz) - started_at)::float8 as seconds
      from (
        select *, status = 'in_progress' as running,
               case when backup_type in ('hourly', 'daily') then 'daily'
                       when coalesce(request ->> 'scope', 'full') = 'full' then 'full' end as kind
        from public.backup_log
        where status in ('completed', 'completed_with_limits', 'in_progress') and started_at <= ${now}
          and (folder is not null or backup_id in (select backup.open_runs()))
      ) as run
      where kind is not null
      order by kind, running desc, started_at desc`;
    const items = KINDS.flatMap(({ name, threshold: limitName }): CheckItem[] => {
      const limit = threshold(limitName);
      // What is under way and not late says nothing yet: then the newest that ended still counts.
      const row = rows.find(({ kind, running, seconds }) => kind === name && (!running || seconds >= limit * 60));
      if (!row) return [];
      const seconds = row.seconds as number;
      const late = seconds >= limit * 60;
      const words = `${row.backup_id} ${row.running ? 'has been running for' : 'took'} ${durationWords(seconds * 1000)}`;
      const state = late ? 'unhealthy' : 'healthy';
      return [{ name, state, value: rounded(seconds / 60), threshold: limit, detail: words }];
    });
    if (items.length === 0) return inconclusive({ detail: 'no backup has ended yet' });
    const worst = items.find(({ state }) => state === 'unhealthy') ?? items[0]!;
    const facts = { detail: worst.detail, value: worst.value, threshold: worst.threshold, items };
    if (worst.state === 'healthy') return healthy(facts);
    const todo =
      "More workers at once may help: select backup.configure(p_parallelism => 4). Else raise the threshold: update backup.health_threshold set value = 60 where name = 'full_minutes'.";
    return unhealthy('warning', { ...facts, todo });
  },
};
