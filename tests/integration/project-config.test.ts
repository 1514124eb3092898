/** The project's configuration: read by our code, looked at with psql, brought back into another database. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { urlOfRole } from '../../scripts/dev/stack/database/install-platform.ts';
import type { ProjectConfig } from '../../supabase/functions/_shared/domain/project-config.ts';
import { nodePlatform } from '../../supabase/functions/_shared/platform-node.ts';
import { quoteIdentifier } from '../../supabase/functions/_shared/postgres/identifiers.ts';
import { openSession } from '../../supabase/functions/_shared/postgres/open-session.ts';
import { readCatalog } from '../../supabase/functions/_shared/postgres/read-catalog.ts';
import { readProjectConfig } from '../../supabase/functions/_shared/postgres/read-project-config.ts';
import { beginSnapshot } from '../../supabase/functions/_shared/postgres/snapshot.ts';
import { inspectTarget } from '../../supabase/functions/_shared/restore/inspect-target.ts';
import { planConfig } from '../../supabase/functions/_shared/restore/restore-config.ts';
import { configRole } from '../support/config-role.ts';
import { POSTGRES_MAJORS } from '../support/postgres-server.ts';
import { createTestDatabase, type TestDatabase } from '../support/template-database.ts';
import { psql } from './archive/psql.ts';
import { exportJson, filesIn, run, temporaryDirectory } from './export/export-harness.ts';

const SECRET = 'whsec_5up3r-hidden-value';
const FIRST_USER = '11111111-1111-4111-8111-111111111111';
const SECOND_USER = '22222222-2222-4222-8222-222222222222';

/** What everybody may see, what only the owner sees, and what goes wrong. */
const TABLES_SQL = `
  insert into auth.users (id, email, created_at) values
    ('${SECOND_USER}', 'b@example.com', '2026-01-02'), ('${FIRST_USER}', 'a@example.com', '2026-01-01');
  create table public.notes (id int primary key, owner uuid, shared boolean);
  insert into public.notes values (1, '${FIRST_USER}', false), (2, '${FIRST_USER}', false), (3, '${SECOND_USER}', true);
  create table public."Odd ""table"".x" (id int);
  insert into public."Odd ""table"".x" select generate_series(1, 7);
  create table public.hidden (id int);
  create table public.broken (id int);
  insert into public.broken values (1);
  create table public.slow (id int);
  insert into public.slow values (1);
  create table public.writing (id int);
  insert into public.writing values (1);
  create table public.large (id int);
  create table public.open (id int);
  create function public.note_reader() returns boolean language plpgsql as $$
  begin
    insert into writing values (2);
    return true;
  end $$;
  alter table public.notes enable row level security;
  alter table public."Odd ""table"".x" enable row level security;
  alter table public.hidden enable row level security;
  alter table public.broken enable row level security;
  alter table public.slow enable row level security;
  alter table public.writing enable row level security;
  alter table public.large enable row level security;
  create policy own on public.notes using (shared or owner = auth.uid());
  create policy members on public."Odd ""table"".x" using (auth.role() = 'authenticated' and id <= 4);
  create policy all_rows on public.broken using (1 / (id - 1) = 0);
  create policy all_rows on public.slow using (pg_sleep(3) is not null);
  create policy all_rows on public.writing using (public.note_reader());
  grant select on all tables in schema public to anon, authenticated;
  revoke select on public.hidden from anon, authenticated;
`;

for (const major of POSTGRES_MAJORS) {
  describe(`the configuration of a project on PostgreSQL ${major}`, () => {
    const tag = randomBytes(4).toString('hex');
    const reader = `Odd "reader" ${tag}.é`;
    const writer = `writer'\\_${tag}`;
    const limited = `limited_${tag}`;
    const restoredRoles = [reader, writer];
    let source: TestDatabase;
    let target: TestDatabase;
    let config: ProjectConfig;
    let out: string;

    before(async () => {
      source = await createTestDatabase({ major, template: 'holdfast' });
      out = temporaryDirectory();
      const [r, w] = [quoteIdentifier(reader), quoteIdentifier(writer)];
      psql(
        source.adminUrl,
        `
        create role ${quoteIdentifier(limited)} login password 'limited';
        create function public.on_ddl() returns event_trigger language plpgsql as $$ begin end $$;
        create event trigger watch_tables on ddl_command_end when tag in ('CREATE TABLE') execute function public.on_ddl();
        alter database ${source.name} set app.settings.jwt_exp = '3600';
        alter database ${source.name} set work_mem = '7MB';
        alter database ${source.name} set app.settings.jwt_secret = '${SECRET}-jwt';`,
      );
      psql(
        source.url,
        `
        create role ${r} nologin noinherit connection limit 4 valid until '2031-02-03 04:05:06+00';
        create role ${w} login createdb password '${SECRET}-role';
        comment on role ${w} is 'writes; all day';
        grant ${r} to ${w};
        grant anon to ${r} with admin option;
        alter role ${r} set search_path = "$user", "a""b, c", public;
        alter role ${w} set statement_timeout = '7s';
        alter role ${w} in database ${source.name} set datestyle = 'German, YMD';
        select vault.create_secret('${SECRET}', 'stripe', 'signs webhooks');
        select cron.schedule('it''s nightly', '0 3 * * *', $$select 'C:\\'$$);
        select cron.alter_job(cron.schedule('resting', '5 4 * * *', 'select 2'), active := false);
        select cron.schedule('6 5 * * *', 'select 3');
        ${TABLES_SQL}
        create publication feed for table public.notes (id, shared) where (shared) with (publish = 'insert');`,
      );
      psql(
        source.adminUrl,
        `
        create publication everything for tables in schema public;
        set allow_system_table_mods = on;
        update pg_catalog.pg_class set reltuples = 250000 where oid = 'public.large'::regclass;`,
      );
      config = await readAs(source.url);
    });

    after(async () => {
      await target?.drop();
      await source.drop();
      const server = await createTestDatabase({ major, template: 'empty' });
      for (const role of [...restoredRoles, limited])
        psql(server.adminUrl, `drop role if exists ${quoteIdentifier(role)};`);
      await server.drop();
      rmSync(out, { recursive: true, force: true });
    });

    async function readAs(url: string): Promise<ProjectConfig> {
      const session = await openSession(nodePlatform, url);
      try {
        await beginSnapshot(session);
        const settings = () => session.query(SETTINGS_SQL);
        const was = await settings();
        const catalog = await readCatalog(session);
        const read = await readProjectConfig(session, { ...catalog, database: catalog.databaseName });
        assert.deepEqual(await settings(), was, 'role and settings are what they were');
        return read;
      } finally {
        await session.close();
      }
    }

    test('roles with odd names are described with their attributes, memberships and settings', () => {
      const mine = config.roles.filter(({ name }) => restoredRoles.includes(name));
      assert.deepEqual(mine, [
        configRole(reader, { inherit: false, connection_limit: 4, valid_until: '2031-02-03 04:05:06+00' }),
        configRole(writer, { login: true, create_db: true, comment: 'writes; all day' }),
      ]);
      assert.ok(config.roles.every(({ name }) => !/^(pg_|supabase_|anon$|postgres$)/.test(name)));
      const options = major >= 16 ? { set_option: true } : { set_option: null };
      const memberships = config.memberships.filter(({ member }) => restoredRoles.includes(member));
      assert.deepEqual(
        memberships,
        [
          { role: reader, member: writer, admin_option: false, inherit_option: major >= 16 ? true : null, ...options },
          { role: 'anon', member: reader, admin_option: true, inherit_option: major >= 16 ? false : null, ...options },
        ].sort((one, other) => (one.role < other.role ? -1 : 1)),
      );
      assert.ok(!config.memberships.some(({ role, member }) => member === 'postgres' && restoredRoles.includes(role)));
      assert.deepEqual(
        config.role_settings.filter(({ role }) => restoredRoles.includes(role!)),
        [
          { role: reader, in_database: false, name: 'search_path', value: '"$user", "a""b, c", public' },
          { role: writer, in_database: false, name: 'statement_timeout', value: '7s' },
          { role: writer, in_database: true, name: 'DateStyle', value: 'German, YMD' },
        ],
      );
      assert.deepEqual(config.database_settings, [
        { name: 'app.settings.jwt_exp', value: '3600' },
        { name: 'app.settings.jwt_secret', value: null },
        { name: 'work_mem', value: '7MB' },
      ]);
    });

    test("cron jobs are described, Holdfast's own as such", () => {
      const common = { database: source.name, username: 'postgres', active: true };
      assert.deepEqual(
        config.cron_jobs.filter(({ own }) => own).map(({ name }) => name),
        ['holdfast-tick'],
      );
      assert.deepEqual(
        config.cron_jobs.filter(({ own }) => !own),
        [
          { ...common, name: "it's nightly", schedule: '0 3 * * *', command: "select 'C:\\'", own: false },
          { ...common, name: 'resting', schedule: '5 4 * * *', command: 'select 2', active: false, own: false },
          { ...common, name: null, schedule: '6 5 * * *', command: 'select 3', own: false },
        ],
      );
    });

    test('publications, event triggers and vault secrets are described', () => {
      const feed = config.publications.find(({ name }) => name === 'feed');
      assert.deepEqual(feed, {
        name: 'feed',
        owner: 'postgres',
        all_tables: false,
        insert: true,
        update: false,
        delete: false,
        truncate: false,
        via_root: false,
        schemas: [],
        tables: [{ schema: 'public', name: 'notes', columns: ['id', 'shared'], where: 'shared' }],
      });
      assert.deepEqual(config.publications.find(({ name }) => name === 'everything')?.schemas, ['public']);
      assert.deepEqual(config.event_triggers.find(({ name }) => name === 'watch_tables')?.tags, ['CREATE TABLE']);
      assert.deepEqual(config.vault_secrets, [{ name: 'stripe', description: 'signs webhooks' }]);
      assert.deepEqual(config.unreadable, []);
    });

    test('probes count what psql counts as the same roles', () => {
      const counted = config.rls_probes.filter(({ count }) => count !== null);
      const claims = { anon: '{"role":"anon"}', authenticated: `{"sub":"${FIRST_USER}","role":"authenticated"}` };
      for (const { role, subject, table, count } of counted) {
        assert.equal(subject, role === 'anon' ? null : FIRST_USER);
        const name = table.replace(/^public\.(.*)$/, (_, bare) => `public.${quoteIdentifier(bare)}`);
        const seen = psql(
          source.url,
          `
          begin; set local request.jwt.claims = '${claims[role]}'; set local role ${role};
          select count(*) from ${name}; rollback;`,
        );
        assert.equal(count, Number(seen), `${role} on ${table}`);
      }
      const of = (table: string) => config.rls_probes.filter((one) => one.table === table).map(({ count }) => count);
      assert.deepEqual(of('public.notes'), [1, 3]);
      assert.deepEqual(of('public.Odd "table".x'), [0, 4]);
      assert.ok(!config.rls_probes.some(({ table }) => /^(auth|storage|backup|realtime)\.|public\.open$/.test(table)));
    });

    test('a refused count is its SQLSTATE; a slow or large table is left out with the reason', () => {
      const states = (table: string) =>
        config.rls_probes.filter((one) => one.table === table).map((one) => one.sqlstate);
      assert.deepEqual(states('public.hidden'), ['42501', '42501']);
      assert.deepEqual(states('public.broken'), ['22012', '22012']);
      assert.deepEqual(states('public.writing'), ['25006', '25006']);
      const leftOut = config.rls_probes_left_out.map(({ table, reason }) => `${table}: ${reason}`);
      assert.deepEqual(leftOut, [
        'public.large: it has about 250000 rows, 100000 or more',
        'public.slow: as anon: counting took longer than 2 s',
        'public.slow: as authenticated: counting took longer than 2 s',
      ]);
    });

    test('a role with few rights gets what it may read, and the reason for the rest', async () => {
      const found = await readAs(urlOfRole(source.adminUrl, limited, 'limited'));
      assert.deepEqual(found.roles, config.roles);
      assert.deepEqual(found.publications, config.publications);
      assert.deepEqual(found.vault_secrets, []);
      const reasons = new Map(found.unreadable.map(({ what, reason }) => [what, reason]));
      assert.match(reasons.get('vault_secrets')!, /permission denied for schema vault \(SQLSTATE 42501\)/);
      assert.ok(reasons.has('cron_jobs'));
      assert.ok(reasons.has('rls_probes'), 'the first user');
      assert.deepEqual([...new Set(found.rls_probes.map(({ sqlstate }) => sqlstate))], ['42501']);
    });

    test('the export stores it, lists it, and no secret is in it', async () => {
      const args = ['--mode', 'full', '--out', out, '--no-encrypt'];
      const result = await exportJson(args, { DATABASE_URL: source.url });
      const folder = join(out, result.folder);
      const path = 'config/database.json.zst';
      const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
      assert.deepEqual(
        manifest.objects
          .filter((one: { kind: string }) => one.kind === 'config')
          .map((one: { path: string }) => one.path),
        [path],
      );
      assert.match(
        run('sha256sum', ['-c', 'checksums.sha256'], { cwd: folder }).toString(),
        /^config\/database\.json\.zst: OK$/m,
      );
      const text = run('zstd', ['-dcq', join(folder, path)]);
      const stored = JSON.parse(text.toString()) as ProjectConfig;
      assert.deepEqual({ ...stored, roles: [] }, { ...config, roles: [] });
      assert.doesNotMatch(readFileSync(join(folder, 'restore.sh'), 'utf8'), /config\//);
      const [cipherText] = psql(source.url, 'select secret from vault.secrets;').toString().split('\n');
      for (const hidden of [SECRET, cipherText!.trim().slice(0, 40), "limited'"])
        assert.ok(!text.includes(hidden), hidden);
      for (const file of filesIn(folder)) {
        const bytes = file.endsWith('.zst')
          ? run('zstd', ['-dcq', join(folder, file)])
          : readFileSync(join(folder, file));
        assert.ok(!bytes.includes(SECRET), `${file} has a secret`);
      }
      const critical = await exportJson(
        ['--mode', 'on-demand', '--tables', 'public.notes', '--out', out, '--no-encrypt'],
        {
          DATABASE_URL: source.url,
        },
      );
      assert.ok(!filesIn(join(out, critical.folder)).some((file) => file.startsWith('config/')));
    });

    test('a restore brings roles, settings and jobs into another database, once or twice', async () => {
      target = await createTestDatabase({ major, template: 'supabase' });
      const before = describeRoles();
      psql(source.adminUrl, `alter database ${source.name} owner to postgres;`);
      for (const role of restoredRoles) {
        psql(source.adminUrl, `drop owned by ${quoteIdentifier(role)}; drop role ${quoteIdentifier(role)};`);
      }
      const session = await openSession(nodePlatform, target.url);
      try {
        const own = { ...config, roles: config.roles.filter(({ name }) => restoredRoles.includes(name)) };
        const facts = await inspectTarget(session);
        const plan = planConfig(own, { target: facts, activate: false });
        for (const round of [1, 2]) {
          await session.query(['begin', ...plan.roleSql, ...plan.afterSql, 'commit'].join(';\n'));
          assert.equal(describeRoles(), before, `round ${round}`);
        }
        assert.deepEqual(cronJobs(), [], 'nothing acts by itself');
        for (const job of [...plan.heldBack, ...plan.heldBack]) await session.query(job.activateSql);
        assert.deepEqual(cronJobs(), [
          ['', '6 5 * * *', 'select 3', 't'],
          ["it's nightly", '0 3 * * *', "select 'C:\\'", 't'],
          ['resting', '5 4 * * *', 'select 2', 'f'],
        ]);
        const again = await readAs(target.url);
        const inDatabase = (one: ProjectConfig) =>
          one.role_settings.filter(({ role }) => restoredRoles.includes(role!));
        assert.deepEqual(inDatabase(again), inDatabase(config));
        assert.deepEqual(again.database_settings, [{ name: 'work_mem', value: '7MB' }]);
        assert.ok(
          plan.differences.some((line) => /^setting app\.settings\.jwt_exp of the database is left out if/.test(line)),
        );
        assert.ok(plan.differences.some((line) => line.startsWith(`role ${writer} can log in but has no password`)));
      } finally {
        await session.close();
      }
    });

    /** By psql; the password is what must differ, so it is not asked for. */
    function describeRoles(): string {
      const names = restoredRoles.map((name) => `'${name.replaceAll("'", "''")}'`).join(', ');
      return psql(
        source.adminUrl,
        `
        select rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
          rolconnlimit, rolvaliduntil, (select s.setconfig from pg_db_role_setting s where s.setrole = r.oid and s.setdatabase = 0),
          shobj_description(r.oid, 'pg_authid'),
          (select string_agg(pg_get_userbyid(m.roleid) || m.admin_option, ',' order by m.roleid::regrole::text)
           from pg_auth_members m where m.member = r.oid)
        from pg_roles r where rolname in (${names}) order by 1;`,
      ).toString();
    }

    function cronJobs(): string[][] {
      const lines = psql(
        target.adminUrl,
        'select jobname, schedule, command, active from cron.job order by jobname nulls first;',
      );
      return lines
        .toString()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split('|'));
    }
  });
}

const SETTINGS_SQL = `
  select current_user, current_setting('row_security'), current_setting('statement_timeout'), current_setting('search_path')`;
