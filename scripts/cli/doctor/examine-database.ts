import { ok, problem, warning } from './finding.ts';
import type { Examination } from './patient.ts';

const OLDEST_SERVER = 150000;
const NEWEST_SERVER = 179999;

/** The server's version, and what the role of the connection may do. */
export const database: Examination = {
  name: 'database',
  title: 'Database',
  needs: 'database',
  examine: async ({ sql }) => {
    const [server] = await sql!`
      select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
        current_user::text as role, r.rolbypassrls or r.rolsuper as reads_all, r.rolreplication or r.rolsuper as replication,
        r.rolcreatedb or r.rolsuper as creates_databases
      from pg_catalog.pg_roles r where r.rolname = current_user`;
    const { version, number, role } = server!;
    const known = number >= OLDEST_SERVER && number <= NEWEST_SERVER;
    return [
      known
        ? ok('server', `PostgreSQL ${version}`)
        : problem('server', `PostgreSQL ${version} is not one of 15 to 17`, 'upgrade the project in its settings'),
      server!.reads_all
        ? ok('role', `${role} reads every row`)
        : problem(
            'role',
            `${role} is subject to row level security: backups would miss rows`,
            'connect as role postgres',
          ),
      server!.creates_databases
        ? ok('drills', `${role} may create the scratch database of drills`)
        : warning(
            'drills',
            `${role} may not create databases: drills by function need RESTORE_TEST_DATABASE_URL`,
            'connect as role postgres, or set RESTORE_TEST_DATABASE_URL',
          ),
    ];
  },
};
