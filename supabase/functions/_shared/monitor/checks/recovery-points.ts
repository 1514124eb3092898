import { durationWords } from '../../domain/duration-words.ts';
import { awaitsFirstBackup } from '../awaits-first-backup.ts';
import type { CheckItem, HealthCheck } from '../contracts.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

const TODO =
  'Back up more often (backup.schedule), or change the objective: update backup.data_category set recovery_point = … where name = ….';

/** How much of each kind of data would be lost now: what came after the newest backup that has it. */
export const recoveryPoints: HealthCheck = {
  name: 'recovery_points',
  title: 'Data that would be lost now, per category',
  category: 'restores',
  unit: 'minutes',
  async run({ sql, now, threshold }) {
    const rows = await sql`
      select d.name, d.title, extract(epoch from d.recovery_point)::float8 / 60 as objective, count(*)::int as tables,
             bool_or(p.recovery_point is null) as never, min(p.recovery_point) as point
      from backup.data_category d
      join backup.table_recovery_points(${now}) p on p.category = d.name
      group by d.name order by min(d.position)`;
    if (rows.length === 0) return inconclusive({ detail: 'there are no tables to lose' });
    const items = rows.map((row): CheckItem => {
      const minutes = row.never ? null : (now.getTime() - row.point.getTime()) / 60_000;
      return {
        name: row.name,
        state: minutes !== null && minutes <= row.objective ? 'healthy' : 'unhealthy',
        value: minutes === null ? null : rounded(minutes),
        threshold: row.objective,
        detail: `${row.title.toLowerCase()}: ${minutes === null ? 'all of it' : durationWords(minutes * 60_000)}, allowed are ${durationWords(row.objective * 60_000)} (tables: ${row.tables})`,
      };
    });
    const missed = items.filter(({ state }) => state === 'unhealthy');
    const shown = missed[0] ?? items[0]!;
    const facts = { value: shown.value, threshold: shown.threshold, items, detail: shown.detail };
    if (await awaitsFirstBackup(sql, { now, hours: threshold('last_backup_hours') })) {
      return inconclusive({ ...facts, detail: 'the first full backup is to come' });
    }
    if (missed.length === 0) return healthy(facts);
    // Backups that come when they should but are too rare for an objective are a decision to take, not an emergency.
    const late = missed.some(({ value }) => value === null || value > threshold('last_backup_hours') * 60);
    return unhealthy(late ? 'critical' : 'warning', { ...facts, todo: TODO });
  },
};
