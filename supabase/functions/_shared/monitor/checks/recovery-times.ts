import { durationWords } from '../../domain/duration-words.ts';
import type { CheckItem, HealthCheck } from '../contracts.ts';
import { readLastDrill } from '../last-drill.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

const TODO =
  'See which phase takes long in the drill report; more tables at the same time (--jobs) may help. Else change the objective: update backup.data_category set recovery_time = … where name = ….';
const DRILL = 'Run a drill: npm run backup:drill -- --weekly --report drill.html.';

/** The whole restore of the last drill that passed, against the objective of each category: all of it is back by then. */
export const recoveryTimes: HealthCheck = {
  name: 'recovery_times',
  title: 'Time that a restore takes, per category',
  category: 'restores',
  unit: 'minutes',
  async run({ sql, now, threshold }) {
    const overall = threshold('recovery_hours') * 60;
    const drill = await readLastDrill(sql, { now, passed: true });
    if (drill?.recoverySeconds == null) {
      return inconclusive({ detail: 'no drill that passed has measured it', threshold: overall, todo: DRILL });
    }
    const minutes = drill.recoverySeconds / 60;
    const rows = await sql`
      select name, title, extract(epoch from recovery_time)::float8 / 60 as objective
      from backup.data_category order by position`;
    const objectives = [{ name: 'everything', title: 'Everything', objective: overall }, ...rows];
    const items = objectives.map(({ name, title, objective }): CheckItem => {
      const state = minutes <= objective ? 'healthy' : 'unhealthy';
      const detail = `${title.toLowerCase()}: ${durationWords(minutes * 60_000)}, allowed are ${durationWords(objective * 60_000)}`;
      return { name, state, value: rounded(minutes), threshold: objective, detail };
    });
    const missed = items.find(({ state }) => state === 'unhealthy');
    const shown = missed ?? items[0]!;
    const facts = { value: shown.value, threshold: shown.threshold, items, detail: shown.detail };
    return missed ? unhealthy('warning', { ...facts, todo: TODO }) : healthy(facts);
  },
};
