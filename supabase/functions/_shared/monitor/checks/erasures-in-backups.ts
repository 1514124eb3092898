import type { CheckItem, HealthCheck } from '../contracts.ts';
import { readDueDates } from '../due-dates.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

const DAY_MS = 86_400_000;
const TODO = 'Delete the backups that still hold the data: select * from backup.backups_overdue_for_erasure().';

/** Erased people whose data must be out of the backups by now. */
export const erasuresInBackups: HealthCheck = {
  name: 'erasures_in_backups',
  title: 'Erased people in backups',
  category: 'personal data',
  unit: 'days',
  async run({ sql, now }) {
    const open = await readDueDates(sql, 'erasures_in_backups');
    if (open === null) return inconclusive({ detail: 'the part for erasures is not installed', threshold: 0 });
    const items = open.map(({ name, dueAt }): CheckItem => {
      const days = (dueAt.getTime() - now.getTime()) / DAY_MS;
      const detail = `and may until ${dueAt.toISOString().slice(0, 10)}`;
      return { name, state: days >= 0 ? 'healthy' : 'unhealthy', value: rounded(days), threshold: 0, detail };
    });
    const [first] = items;
    if (!first) return healthy({ detail: 'none is in a backup', threshold: 0 });
    const facts = {
      value: first.value,
      threshold: 0,
      items: items.slice(0, 20),
      detail: `${first.name} ${first.detail}`,
    };
    return first.state === 'healthy' ? healthy(facts) : unhealthy('critical', { ...facts, todo: TODO });
  },
};
