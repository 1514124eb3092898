import type { HealthCheck } from '../contracts.ts';
import { healthy, inconclusive, unhealthy } from '../verdicts.ts';

const TODO = 'Decide what they are: npm run account:discover proposes it, backup.subject_source keeps it.';

/** Tables that may hold personal data and that nobody has decided about: exports and erasures would miss them. */
export const unmappedTables: HealthCheck = {
  name: 'unmapped_tables',
  title: 'Tables that may hold personal data',
  category: 'personal data',
  unit: 'tables',
  async run({ sql }) {
    const [there] = await sql`select to_regprocedure('backup.unmapped_subject_tables()') is not null as present`;
    if (!there!.present) return inconclusive({ detail: 'the part for personal data is not installed', threshold: 0 });
    const rows = await sql`
      select to_jsonb(t) ->> 'schema_name' as schema, to_jsonb(t) ->> 'table_name' as name
      from backup.unmapped_subject_tables() as t order by 1, 2`;
    const items = rows.slice(0, 20).map(({ schema, name }) => {
      return {
        name: `${schema}.${name}`,
        state: 'unhealthy' as const,
        value: null,
        threshold: null,
        detail: 'is not mapped',
      };
    });
    const facts = { value: rows.length, threshold: 0, items };
    if (rows.length === 0) return healthy({ ...facts, detail: 'all are mapped or excluded' });
    const more = rows.length > 1 ? `, and ${rows.length - 1} more` : '';
    return unhealthy('warning', { ...facts, detail: `${items[0]!.name} is not mapped${more}`, todo: TODO });
  },
};
