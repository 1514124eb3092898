import { ok, warning } from './finding.ts';
import type { Examination } from './patient.ts';

const NAMED = 5;
const DISCOVER = 'npm run account:discover   # proposes what to decide; docs/personal-data.md says how';

/** Tables with a person's data that nobody decided about: exports leave them out, and erasures too. */
export const subjects: Examination = {
  name: 'subjects',
  title: 'Personal data',
  needs: 'installation',
  examine: async ({ sql }) => {
    const [installed] = await sql!`select pg_catalog.to_regproc('backup.unmapped_subject_tables') is not null as yes`;
    if (!installed!.yes) return [ok('subjects', 'exports of personal data are not installed')];
    const rows = await sql!`select schema_name || '.' || table_name as name from backup.unmapped_subject_tables()`;
    if (rows.length === 0) return [ok('subjects', 'every table that leads to a user is mapped or excluded')];
    const named = rows.slice(0, NAMED).map(({ name }) => name as string);
    const more = rows.length > NAMED ? ` and ${rows.length - NAMED} more` : '';
    return [warning('subjects', `nobody decided whose data is in ${named.join(', ')}${more}`, DISCOVER)];
  },
};
