import type { CheckItem, HealthCheck } from '../contracts.ts';
import { healthy, inconclusive, unhealthy } from '../verdicts.ts';

const MOST_ITEMS = 20;
const UNDER_WAY = 'its first verification is under way';
const VERIFY =
  'Verify it: curl -X POST …/functions/v1/backup-trigger/backups/<backup_id>/verify -d \'{"kind": "deep"}\'. The heartbeat does so in time by itself: where it falls behind, raise the setting reverify_per_day.';

/** The newest verification of every backup that is still kept. A row without a folder is another system's: nobody knows its objects. */
export const integrity: HealthCheck = {
  name: 'integrity',
  title: 'Integrity of stored backups',
  category: 'backups',
  unit: 'backups',
  async run({ sql, now, threshold }) {
    const [waitHours, ageDays] = [threshold('verification_wait_hours'), threshold('verification_age_days')];
    const rows = await sql`
      select l.backup_id, l.completed_at, verdict.success, verdict.at, coalesce(ended.success is null and ended.at is not null, false) as unable,
             exists (select from public.backup_verification v where v.backup_id = l.backup_id) as begun,
             coalesce(l.error ->> 'code' = 'VERIFICATION_FAILED', false) as damaged
      from public.backup_log l
      left join lateral (
        select success, verification_date as at from public.backup_verification v
        where v.backup_id = l.backup_id and v.success is not null order by verification_date desc limit 1
      ) as verdict on true
      left join lateral (
        select success, verification_date as at from public.backup_verification v
        where v.backup_id = l.backup_id and (v.success is not null or v.details ->> 'state' = 'inconclusive')
        order by verification_date desc limit 1
      ) as ended on true
      where (l.status in ('completed', 'completed_with_limits') or l.error ->> 'code' = 'VERIFICATION_FAILED')
        and l.folder is not null and to_jsonb(l) ->> 'deleted_at' is null and l.started_at <= ${now}
      order by l.started_at desc`;
    if (rows.length === 0) return inconclusive({ detail: 'there is no backup yet' });
    const lines = rows.map((row): CheckItem => {
      const line = (state: CheckItem['state'], detail: string): CheckItem => {
        return { name: row.backup_id, state, value: null, threshold: null, detail };
      };
      const ageMs = now.getTime() - (row.at ?? row.completed_at ?? now).getTime();
      if (row.damaged || row.success === false) return line('unhealthy', 'fails verification');
      // Attempts that came to no verdict make no backup younger: a store that is away for long is told.
      if (row.at === null && ageMs > waitHours * 3_600_000) return line('unhealthy', 'was never verified');
      if (row.at !== null && ageMs > ageDays * 86_400_000)
        return line('unhealthy', `was verified more than ${ageDays} days ago`);
      if (row.unable) return line('inconclusive', 'its verification could not be carried out');
      if (row.at === null) return line('inconclusive', row.begun ? UNDER_WAY : 'is not verified yet');
      return line('healthy', 'passed');
    });
    const bad = lines.filter(({ state }) => state === 'unhealthy');
    const open = lines.filter(({ state }) => state === 'inconclusive');
    // A verification under way is no doubt: what came before it still stands.
    const [newest] = lines.filter(({ detail }) => detail !== UNDER_WAY);
    const facts = { value: bad.length, threshold: 0, items: [...bad, ...open].slice(0, MOST_ITEMS) };
    if (bad.length > 0) {
      const damaged = bad.filter(({ detail }) => detail === 'fails verification');
      const [first] = damaged.length > 0 ? damaged : bad;
      return unhealthy(damaged.length > 0 ? 'critical' : 'warning', {
        ...facts,
        detail: `${first!.name} ${first!.detail}${bad.length > 1 ? `, and ${bad.length - 1} more` : ''}`,
        todo: damaged.length > 0 ? 'Take a new full backup at once, then find out who changed the store.' : VERIFY,
      });
    }
    if (newest === undefined) return inconclusive({ ...facts, detail: `${open[0]!.name}: ${UNDER_WAY}` });
    if (newest.state === 'inconclusive') {
      return inconclusive({ ...facts, detail: `${newest.name}: ${newest.detail}`, todo: VERIFY });
    }
    const passed = lines.length - open.length;
    const which = open.length === 0 ? `all ${passed}` : `${passed} of ${lines.length}`;
    return healthy({ ...facts, detail: `${which} kept backups passed` });
  },
};
