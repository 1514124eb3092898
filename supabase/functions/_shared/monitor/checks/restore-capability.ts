import { durationWords } from '../../domain/duration-words.ts';
import type { HealthCheck } from '../contracts.ts';
import { readLastDrill } from '../last-drill.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

const DAY_MS = 86_400_000;
const TODO = 'Run one: npm run backup:drill -- --weekly --report drill.html. The newest results are in backup_tests.';

export const restoreCapability: HealthCheck = {
  name: 'restore_capability',
  title: 'Last restore drill',
  category: 'restores',
  unit: 'days',
  async run({ sql, now, threshold }) {
    const limit = threshold('drill_age_days');
    const drill = await readLastDrill(sql, { now });
    if (drill === null) {
      const detail = 'no backup was ever restored in a drill';
      const [old] = await sql`
        select exists (select from public.backup_log where status in ('completed', 'completed_with_limits')
          and folder is not null and completed_at <= ${new Date(now.getTime() - limit * DAY_MS)}) as present`;
      if (!old!.present) return inconclusive({ detail, threshold: limit, todo: TODO });
      return unhealthy('warning', { detail, threshold: limit, todo: TODO });
    }
    const ageMs = now.getTime() - drill.endedAt.getTime();
    const took =
      drill.recoverySeconds === null ? '' : `; the restore took ${durationWords(drill.recoverySeconds * 1000)}`;
    const facts = { value: rounded(ageMs / DAY_MS), threshold: limit };
    const words = `the ${drill.kind} drill of ${drill.backupId}, ${durationWords(ageMs)} ago,`;
    if (drill.passed === null) return inconclusive({ ...facts, detail: `${words} was inconclusive`, todo: TODO });
    if (!drill.passed) return unhealthy('critical', { ...facts, detail: `${words} failed`, todo: TODO });
    if (ageMs >= limit * DAY_MS) return unhealthy('warning', { ...facts, detail: `${words} is too old`, todo: TODO });
    return healthy({ ...facts, detail: `${words} passed${took}` });
  },
};
