import type { CheckItem, HealthCheck } from '../contracts.ts';
import { readDueDates } from '../due-dates.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

const DAY_MS = 86_400_000;
const TODO = 'Answer it: select * from backup.subject_requests(). The law gives a month.';

/** Open requests of data subjects, long enough before the law wants their answer. */
export const subjectRequests: HealthCheck = {
  name: 'subject_requests',
  title: 'Requests of data subjects',
  category: 'personal data',
  unit: 'days',
  async run({ sql, now, threshold }) {
    const limit = threshold('subject_due_days');
    const open = await readDueDates(sql, 'subject_requests');
    if (open === null) return inconclusive({ detail: 'the part for personal data is not installed', threshold: limit });
    const items = open.map(({ name, dueAt }): CheckItem => {
      const days = (dueAt.getTime() - now.getTime()) / DAY_MS;
      const state = days >= limit ? 'healthy' : 'unhealthy';
      return {
        name,
        state,
        value: rounded(days),
        threshold: limit,
        detail: `is due on ${dueAt.toISOString().slice(0, 10)}`,
      };
    });
    const [first] = items;
    if (!first) return healthy({ detail: 'none is open', threshold: limit });
    const facts = {
      value: first.value,
      threshold: limit,
      items: items.slice(0, 20),
      detail: `${first.name} ${first.detail}`,
    };
    if (first.state === 'healthy') return healthy(facts);
    return unhealthy(first.value !== null && first.value < 0 ? 'critical' : 'warning', { ...facts, todo: TODO });
  },
};
