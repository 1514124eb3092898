/** The stack's database is what the hosted platform's is: what `postgres` may do there it may do here, and no more. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import postgres from 'postgres';
import { urlOfRole } from '../../scripts/dev/stack/database/install-platform.ts';
import { POSTGRES_MAJORS } from '../support/postgres-server.ts';
import { createTestDatabase, type TestDatabase } from '../support/template-database.ts';

const DENIED = { code: '42501' };

for (const major of POSTGRES_MAJORS) {
  describe(`the platform's database on PostgreSQL ${major}`, () => {
    let database: TestDatabase;
    let sql: postgres.Sql;
    let admin: postgres.Sql;

    before(async () => {
      database = await createTestDatabase({ major, template: 'supabase' });
      sql = postgres(database.url, { max: 1, onnotice: () => {} });
      admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
    });
    after(async () => {
      await sql?.end({ timeout: 5 });
      await admin?.end({ timeout: 5 });
      await database?.drop();
    });

    async function rollsBack(work: (tx: postgres.TransactionSql) => Promise<void>): Promise<void> {
      const undo = new Error('undo');
      await assert.rejects(
        sql.begin(async (tx) => {
          await work(tx);
          throw undo;
        }),
        (error) => {
          if (error !== undo) throw error;
          return true;
        },
      );
    }

    test('the role postgres has the hosted attributes and memberships', async () => {
      const [role] = await sql`
        select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls
        from pg_roles where rolname = current_user`;
      assert.deepEqual(
        { ...role },
        {
          rolsuper: false,
          rolcreatedb: true,
          rolcreaterole: true,
          rolreplication: true,
          rolbypassrls: true,
        },
      );
      const memberships = await sql`
        select g.rolname from pg_auth_members m join pg_roles g on g.oid = m.roleid
        where m.member = 'postgres'::regrole order by 1`;
      assert.deepEqual(
        memberships.map((row) => row.rolname),
        [
          'anon',
          'authenticated',
          'authenticator',
          ...(major >= 16 ? ['pg_create_subscription'] : []),
          'pg_monitor',
          'pg_read_all_data',
          'pg_signal_backend',
          'service_role',
        ],
      );
    });

    test('postgres reads no files of the server and runs no programs there', async () => {
      await assert.rejects(sql`select pg_read_file('postgresql.conf')`, DENIED);
      await assert.rejects(
        sql`create temp table t as select 1; `.then(() => sql.unsafe("copy (select 1) to program 'true'")),
        DENIED,
      );
      await assert.rejects(sql.unsafe("copy (select 1) to '/tmp/holdfast-should-not-exist'"), DENIED);
    });

    test('statements are cut off after two minutes unless the session says otherwise', async () => {
      assert.equal((await sql`show statement_timeout`)[0]?.statement_timeout, '2min');
      assert.equal((await admin`show statement_timeout`)[0]?.statement_timeout, '0');
      await sql.begin(async (tx) => {
        await tx`set local statement_timeout = 30`;
        await assert.rejects(
          tx.savepoint((sp) => sp`select pg_sleep(5)`),
          { code: '57014' },
        );
      });
    });

    test('the server has the hosted settings that backups depend on', async () => {
      const rows = await sql`
        select name, setting from pg_settings
        where name in ('wal_level', 'max_replication_slots', 'max_wal_senders', 'extra_float_digits', 'TimeZone', 'max_slot_wal_keep_size')`;
      // The driver sets nothing of these itself.
      assert.deepEqual(Object.fromEntries(rows.map((row) => [row.name, row.setting])), {
        wal_level: 'logical',
        max_replication_slots: '5',
        max_wal_senders: '5',
        extra_float_digits: '0',
        TimeZone: 'UTC',
        max_slot_wal_keep_size: '512',
      });
    });

    test('postgres may set session_replication_role but no other superuser setting', async () => {
      await sql.begin((tx) => tx`set local session_replication_role = replica`);
      await assert.rejects(sql`set zero_damaged_pages = on`, DENIED);
      await assert.rejects(sql.unsafe("alter system set work_mem = '1GB'"), DENIED);
    });

    test('postgres creates, reads and drops a logical replication slot', async () => {
      const slot = `${database.name}_slot`;
      await sql`select pg_create_logical_replication_slot(${slot}, 'test_decoding')`;
      try {
        await sql`create table public.seen (id integer primary key)`;
        await sql`insert into public.seen values (7)`;
        const changes = await sql`select data from pg_logical_slot_peek_changes(${slot}, null, null)`;
        assert.ok(changes.some((row) => row.data === 'table public.seen: INSERT: id[integer]:7'));
      } finally {
        await sql`select pg_drop_replication_slot(${slot})`;
        await sql`drop table if exists public.seen`;
      }
    });

    test('postgres creates databases but no superusers', async () => {
      const name = `${database.name}_x`;
      await sql.unsafe(`create database ${name}`);
      await sql.unsafe(`drop database ${name}`);
      await assert.rejects(sql`create role holdfast_evil superuser`, DENIED);
      await assert.rejects(sql`grant supabase_admin to postgres`, (error: { code: string }) =>
        ['42501', '0LP01'].includes(error.code),
      );
    });

    // Hosted, the supautils extension lets postgres do both; without it PostgreSQL refuses, so the stack is the stricter one.
    test('event triggers and publications of all tables need a superuser here, unlike hosted', async () => {
      await sql`create function public.on_ddl() returns event_trigger language plpgsql as 'begin end'`;
      try {
        await assert.rejects(
          sql`create event trigger on_ddl on ddl_command_end execute function public.on_ddl()`,
          DENIED,
        );
        await assert.rejects(sql`create publication everything for all tables`, DENIED);
      } finally {
        await sql`drop function public.on_ddl()`;
      }
    });

    test('postgres reads and writes rows of auth but changes no table there', async () => {
      await rollsBack(async (tx) => {
        await tx`insert into auth.users (id, email, email_confirmed_at) values (gen_random_uuid(), 'a@b.example', now())`;
        const [user] = await tx`select confirmed_at = email_confirmed_at as confirmed from auth.users`;
        assert.equal(user?.confirmed, true);
      });
      assert.ok(
        (await sql`select from auth.schema_migrations`).length > 0,
        'pg_read_all_data reads what grants do not give',
      );
      await assert.rejects(sql`insert into auth.schema_migrations values ('x')`, DENIED);
      await assert.rejects(sql`alter table auth.users add column x text`, DENIED);
      await assert.rejects(sql`create table auth.x ()`, DENIED);
    });

    test('a foreign key and a trigger of ours may hang on auth.users', async () => {
      await rollsBack(async (tx) => {
        await tx`create table public.profile (id uuid primary key references auth.users (id))`;
        await tx`create function public.seen() returns trigger language plpgsql as 'begin return new; end'`;
        await tx`create trigger seen after insert on auth.users for each row execute function public.seen()`;
      });
    });

    test('auth.uid() and auth.role() read the token of the request', async () => {
      await rollsBack(async (tx) => {
        const claims = { sub: '00000000-0000-4000-8000-000000000004', role: 'authenticated', email: 'u@b.example' };
        await tx`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`;
        await tx`set local role authenticated`;
        const [row] = await tx`select auth.uid() as uid, auth.role() as role, auth.jwt() ->> 'email' as email`;
        assert.deepEqual({ ...row }, { uid: claims.sub, role: claims.role, email: claims.email });
      });
      assert.equal((await sql`select auth.uid() as uid`)[0]?.uid, null);
    });

    test('rows of storage are deleted only by a session that says it means it', async () => {
      await rollsBack(async (tx) => {
        await tx`insert into storage.buckets (id, name) values ('b', 'b')`;
        await tx`insert into storage.objects (bucket_id, name) values ('b', 'a/b/c.txt')`;
        assert.deepEqual((await tx`select path_tokens from storage.objects`)[0]?.path_tokens, ['a', 'b', 'c.txt']);
        await assert.rejects(
          tx.savepoint((sp) => sp`delete from storage.objects`),
          DENIED,
        );
        await tx`set local storage.allow_delete_query = 'true'`;
        assert.equal((await tx`delete from storage.objects`).count, 1);
      });
      await assert.rejects(sql`alter table storage.objects disable row level security`, DENIED);
    });

    test('the vault encrypts, decrypts for postgres, and takes secrets through its functions only', async () => {
      await rollsBack(async (tx) => {
        await tx`select vault.create_secret('s3cret', 'key', 'what for')`;
        const [row] =
          await tx`select secret, decrypted_secret, description from vault.decrypted_secrets where name = 'key'`;
        assert.equal(row?.decrypted_secret, 's3cret');
        assert.ok(!row?.secret.includes('s3cret'));
        await tx`select vault.update_secret((select id from vault.secrets), 'new')`;
        assert.equal((await tx`select decrypted_secret from vault.decrypted_secrets`)[0]?.decrypted_secret, 'new');
        await assert.rejects(
          tx.savepoint((sp) => sp`select vault.create_secret('x', 'key')`),
          { code: '23505' },
        );
        assert.equal((await tx`delete from vault.secrets`).count, 1);
      });
      await assert.rejects(sql`insert into vault.secrets (name, secret) values ('x', 'y')`, DENIED);
      await assert.rejects(sql`update vault.secrets set name = 'x'`, DENIED);
      await assert.rejects(sql`select vault._crypto_aead_det_encrypt('', '', 0, '', '')`, DENIED);
    });

    test('cron jobs are scheduled, altered and unscheduled by function, never by writing the table', async () => {
      await rollsBack(async (tx) => {
        const [first] = await tx`select cron.schedule('tick', '* * * * *', 'select 1') as id`;
        const [again] = await tx`select cron.schedule('tick', '30 seconds', 'select 2') as id`;
        assert.equal(again?.id, first?.id);
        const [job] = await tx`select schedule, command, username, database, active from cron.job`;
        assert.deepEqual(
          { ...job },
          {
            schedule: '30 seconds',
            command: 'select 2',
            username: 'postgres',
            database: database.name,
            active: true,
          },
        );
        await tx`select cron.alter_job(${first?.id}::bigint, active := false)`;
        assert.equal((await tx`select active from cron.job`)[0]?.active, false);
        assert.equal((await tx`select cron.unschedule('tick') as gone`)[0]?.gone, true);
        await assert.rejects(
          tx.savepoint((sp) => sp`select cron.unschedule('tick')`),
          /could not find valid entry for job 'tick'/,
        );
      });
      await assert.rejects(sql`insert into cron.job (schedule, command) values ('* * * * *', 'select 1')`, DENIED);
      await assert.rejects(sql`update cron.job set active = false`, DENIED);
    });

    test('a job belongs to the current user, also inside a security definer function', async () => {
      await rollsBack(async (tx) => {
        await tx`create function public.plan() returns bigint language sql security definer
          as 'select cron.schedule(''planned'', ''@daily'', ''select 1'')'`;
        await tx`grant usage on schema cron to authenticated`;
        await tx`set local role authenticated`;
        await tx`select public.plan(), cron.schedule('mine', '@daily', 'select 1')`;
        assert.deepEqual(
          (await tx`select jobname from cron.job`).map((row) => row.jobname),
          ['mine'],
        );
        await assert.rejects(
          tx.savepoint((sp) => sp`select cron.unschedule('planned')`),
          /could not find valid entry/,
        );
        await assert.rejects(
          tx.savepoint(
            (sp) => sp`insert into cron._call (action, schedule, command, username, caller)
            values ('schedule', '@daily', 'select 1', 'supabase_admin', 'supabase_admin')`,
          ),
          DENIED,
        );
        await tx`reset role`;
        assert.deepEqual(
          (await tx`select jobname, username from cron.job order by 1`).map((row) => [row.jobname, row.username]),
          [
            ['mine', 'authenticated'],
            ['planned', 'postgres'],
          ],
        );
      });
    });

    for (const [schedule, valid] of [
      ['*/5 * * * *', true],
      ['0 2 * * mon-fri', true],
      ['1,15,30-40/2 0 1 jan *', true],
      ['0 0 $ * *', true],
      ['59 seconds', true],
      ['@hourly', true],
      ['60 seconds', false],
      ['0 seconds', false],
      ['* * * *', false],
      ['61 * * * *', false],
      ['* 24 * * *', false],
      ['* * 0 * *', false],
      ['*/0 * * * *', false],
      ['5-1 * * * *', false],
      ['every minute', false],
      ['', false],
    ] as const) {
      test(`cron ${valid ? 'takes' : 'refuses'} the schedule '${schedule}'`, async () => {
        await rollsBack(async (tx) => {
          const call = tx.savepoint((sp) => sp`select cron.schedule(${schedule}, 'select 1')`);
          if (valid) await call;
          else await assert.rejects(call, { code: '22023', message: `invalid schedule: ${schedule}` });
        });
      });
    }

    test('requests of pg_net are queued, encoded, and readable by every role', async () => {
      await rollsBack(async (tx) => {
        await tx`select net.http_post('http://h/x?a=1', '{"k": "é"}', '{"q": "a b&ü"}', '{"x-ticket": "t"}', 2500)`;
        await tx`set local role anon`;
        const [row] =
          await tx`select method, url, headers, convert_from(body, 'utf8') as body, timeout_milliseconds as ms
          from net.http_request_queue`;
        assert.deepEqual(
          { ...row },
          {
            method: 'POST',
            url: 'http://h/x?a=1&q=a%20b%26%C3%BC',
            headers: { 'x-ticket': 't', 'Content-Type': 'application/json' },
            body: '{"k": "é"}',
            ms: 2500,
          },
        );
        await assert.rejects(
          tx.savepoint((sp) => sp`select net.http_post('http://h', headers := '{"content-type": "text/plain"}')`),
          /must be "application\/json"/,
        );
      });
    });

    test('a new table of postgres is open to the API roles by default, and anon is cut off after three seconds', async () => {
      await rollsBack(async (tx) => {
        await tx`create table public.note (id integer)`;
        const [row] = await tx`select has_table_privilege('anon', 'public.note', 'select, insert') as open`;
        assert.equal(row?.open, true);
      });
      const [config] = await sql`select rolconfig from pg_roles where rolname = 'anon'`;
      assert.deepEqual(config?.rolconfig, ['statement_timeout=3s']);
    });

    test('the authenticator logs in and becomes anon, and a wrong password does not', async () => {
      const login = postgres(urlOfRole(database.url, 'authenticator', 'postgres'), { max: 1 });
      try {
        const [row] = await login.begin(async (tx) => {
          await tx`set local role anon`;
          return tx`select current_user as name`;
        });
        assert.equal(row?.name, 'anon');
      } finally {
        await login.end({ timeout: 5 });
      }
      const wrong = postgres(urlOfRole(database.url, 'postgres', 'wrong'), { max: 1 });
      await assert.rejects(wrong`select 1`, { code: '28P01' });
      await wrong.end({ timeout: 5 });
    });
  });
}
