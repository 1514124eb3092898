/** The migrations on a project as hosted, twice, and on one that already has the seeds' own tables. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { applyMigrations } from '../../scripts/dev/stack/migrations.ts';
import { createTestDatabase } from '../support/template-database.ts';

const SUPABASE = fileURLToPath(new URL('../../supabase', import.meta.url));

for (const major of [17, 15] as const) {
  test(`PostgreSQL ${major}: migrations apply by the Supabase CLI as role postgres, again without their history, and beside the seeds' own tables`, async () => {
    const database = await createTestDatabase({ major, template: 'supabase' });
    const workDir = await mkdtemp(join(tmpdir(), 'holdfast-migrations-'));
    const sql = postgres(database.url, { max: 1, onnotice: () => {} });
    try {
      await sql`create table public.security_events_log (
        id bigint generated always as identity primary key, event_type varchar(100) not null, event_category varchar(50),
        severity varchar(20), user_id uuid, event_data jsonb, created_at timestamptz default now())`;
      await sql`create table public.system_health_alerts (
        id serial primary key, alert_type text not null, event_data jsonb, created_at timestamptz default now())`;
      await sql`insert into public.security_events_log (event_type) values ('before')`;
      const options = { supabaseDir: SUPABASE, databaseUrl: database.url, workDir, logFile: join(workDir, 'log') };
      await applyMigrations(options);
      await applyMigrations(options);
      await sql`delete from supabase_migrations.schema_migrations`;
      await applyMigrations(options);
      await seedsRun(sql);
    } finally {
      await sql.end();
      await rm(workDir, { recursive: true, force: true });
      await database.drop();
    }
  });
}

async function seedsRun(sql: postgres.Sql): Promise<void> {
  const [kept] = await sql`select count(*)::int as count from public.security_events_log where event_type = 'before'`;
  assert.equal(kept!.count, 1, 'adopted tables keep their rows');
  await sql.unsafe(`
    insert into security_events_log (event_type, event_category, severity, user_id, event_data) values (
      'backup_accessed', 'data_access', 'medium', auth.uid(),
      jsonb_build_object('backup_type', 'monthly', 'backup_date', '2025-01-01', 'action', 'download'))`);
  await sql`insert into public.system_health_alerts (alert_type, event_data, created_at) values
    ('backup_completed', '{"duration_seconds": 30}', now()), ('backup_completed', '{"duration_seconds": 50}', now()),
    ('backup_failed', '{"duration_seconds": 10}', now() - interval '1 day')`;
  const days = await sql.unsafe(`
    SELECT DATE_TRUNC('day', created_at) AS backup_date,
      COUNT(*) FILTER (WHERE alert_type = 'backup_completed') AS successful_backups,
      COUNT(*) FILTER (WHERE alert_type = 'backup_failed') AS failed_backups,
      AVG(CAST(event_data->>'duration_seconds' AS INTEGER)) AS avg_duration_seconds
    FROM system_health_alerts
    WHERE alert_type LIKE 'backup_%' AND created_at > NOW() - INTERVAL '30 days'
    GROUP BY backup_date ORDER BY backup_date DESC`);
  assert.deepEqual(
    days.map((day) => [Number(day.successful_backups), Number(day.failed_backups), Number(day.avg_duration_seconds)]),
    [
      [2, 0, 40],
      [0, 1, 10],
    ],
  );
  const [since] = await sql.unsafe(`
    SELECT NOW() - MAX(created_at) AS time_since_last_backup, COUNT(*) AS backup_count_30_days FROM system_health_alerts
    WHERE alert_type = 'backup_completed' AND created_at > NOW() - INTERVAL '30 days'`);
  assert.equal(Number(since!.backup_count_30_days), 2);
  await assert.rejects(
    sql`select create_manual_backup('reason', gen_random_uuid())`,
    /does not know where its functions answer/,
  );
  await sql`select backup.configure('https://project.example/functions/v1')`;
  const [started] = await sql`select create_manual_backup('reason', '00000000-0000-4000-8000-000000000001') as id`;
  assert.match(started!.id, /^manual_\d{8}_\d{6}_[0-9a-f]{8}$/);
  const [run] = await sql`select status, created_by from backup_log where backup_id = ${started!.id}`;
  assert.deepEqual({ ...run }, { status: 'in_progress', created_by: '00000000-0000-4000-8000-000000000001' });
  assert.equal((await sql`select * from net.http_request_queue where url like '%/backup-worker'`).length, 1);
  assert.equal((await sql`select table_name, record_id, operation, changed_at from change_tracking`).length, 0);
}

test('no API role reaches the private schema, and none reads or writes the ledger', async () => {
  const database = await createTestDatabase({ major: 17, template: 'holdfast' });
  const sql = postgres(database.url, { max: 1, onnotice: () => {} });
  try {
    for (const role of ['anon', 'authenticated']) {
      const refused = /permission denied/;
      await assert.rejects(
        sql.begin(async (own) => own.unsafe(`set local role ${role}; select * from backup.task`)),
        refused,
      );
      await assert.rejects(
        sql.begin(async (own) => own.unsafe(`set local role ${role}; select * from public.backup_log`)),
        refused,
      );
      await assert.rejects(
        sql.begin(async (own) => own.unsafe(`set local role ${role}; select create_manual_backup('x', null)`)),
        refused,
      );
    }
    await assert.rejects(
      sql.begin(async (own) => own.unsafe(`set local role service_role; select * from backup.setting`)),
      /permission denied/,
    );
    const open = await sql`
      select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'backup' and c.relkind = 'r' and not c.relrowsecurity`;
    assert.deepEqual([...open], [], 'row security is on everywhere');
    const loose = await sql`
      select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'backup' and not coalesce(p.proconfig, '{}') @> array['search_path=""']`;
    assert.deepEqual([...loose], [], 'every function sets search_path');
  } finally {
    await sql.end();
    await database.drop();
  }
});
