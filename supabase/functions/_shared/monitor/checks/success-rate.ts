import type { HealthCheck } from '../contracts.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

export const successRate: HealthCheck = {
  name: 'success_rate',
  title: 'Success of scheduled work',
  category: 'backups',
  unit: 'percent',
  async run({ sql, now, threshold }) {
    const [limit, days] = [threshold('success_rate_percent'), threshold('success_window_days')];
    const since = new Date(now.getTime() - days * 86_400_000);
    // What a schedule began is judged by its due time: it has failed when its retries are used up, not before. Runs that
    // others start with a cadence have no due time: of them and their retries the last one counts.
    // A row without a folder and an error of ours is another system's.
    const [row] = await sql`
      with recursive served as (
        select backup_id from backup.schedule_run where job_id is null and backup_id is not null
        union
        select l.backup_id from public.backup_log l join served on l.retry_of = served.backup_id
      ),
      ended as (
        select state = 'succeeded' as good from backup.schedule_run
        where state in ('succeeded', 'failed') and due_at > ${since} and due_at <= ${now}
        union all
        select status <> 'failed' from public.backup_log l
        where backup_type in ('hourly', 'daily', 'weekly', 'monthly', 'yearly')
          and status in ('completed', 'completed_with_limits', 'failed')
          and (folder is not null or error ->> 'code' is not null)
          and started_at > ${since} and started_at <= ${now}
          and not exists (select from public.backup_log retry where retry.retry_of = l.backup_id)
          and backup_id not in (select backup_id from served)
      )
      select count(*) filter (where good)::int as good, count(*)::int as all from ended`;
    const [good, all] = [row!.good as number, row!.all as number];
    if (all === 0) {
      return inconclusive({
        detail: `nothing that was scheduled has ended in the last ${days} days`,
        threshold: limit,
        todo: 'See when the schedules begin: npm run backup:schedule -- list.',
      });
    }
    const percent = (100 * good) / all;
    const facts = {
      detail: `${good} of ${all} succeeded in the last ${days} days`,
      value: rounded(percent),
      threshold: limit,
    };
    if (percent >= limit) return healthy(facts);
    const todo =
      "See why: select name, due_at, reason from backup.schedule_run where state = 'failed' order by due_at desc; and select backup_id, error from backup_log where status = 'failed' order by started_at desc. The check stays red until the failure leaves the window.";
    return unhealthy('warning', { ...facts, todo });
  },
};
