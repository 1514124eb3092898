import { durationWords } from '../../domain/duration-words.ts';
import { awaitsFirstBackup } from '../awaits-first-backup.ts';
import type { HealthCheck } from '../contracts.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

const HOUR_MS = 3_600_000;
const TODO =
  "Take one now (a project that is not configured needs backup.configure() first): select create_manual_backup('overdue', null). Then see why the schedule did not: select * from backup_log order by started_at desc limit 5.";
const FIRST =
  "The schedules take it: npm run backup:schedule -- next. Or take it now: select create_manual_backup('first', null).";

export const lastBackup: HealthCheck = {
  name: 'last_backup',
  title: 'Time since the last full backup',
  category: 'backups',
  unit: 'hours',
  async run({ sql, now, threshold }) {
    const limit = threshold('last_backup_hours');
    const [row] = await sql`
      select max(started_at) as at from public.backup_log l
      where status in ('completed', 'completed_with_limits') and folder is not null
        and coalesce(request ->> 'scope', 'full') = 'full' and not request ? 'where'
        and to_jsonb(l) ->> 'deleted_at' is null and started_at <= ${now}`;
    const at = row!.at as Date | null;
    if (at === null && (await awaitsFirstBackup(sql, { now, hours: limit }))) {
      return inconclusive({ detail: 'the first full backup is to come', threshold: limit, todo: FIRST });
    }
    if (at === null) {
      return unhealthy('critical', {
        detail: 'there is no completed full backup',
        value: null,
        threshold: limit,
        todo: TODO,
      });
    }
    const ageMs = now.getTime() - at.getTime();
    const facts = {
      detail: `the newest one began ${durationWords(ageMs)} ago`,
      value: rounded(ageMs / HOUR_MS),
      threshold: limit,
    };
    return ageMs < limit * HOUR_MS ? healthy(facts) : unhealthy('critical', { ...facts, todo: TODO });
  },
};
