/** A configured project whose clock the test moves, and workers that end runs as the test wants it. */
import postgres from 'postgres';
import type { PostgresMajor } from '../../../scripts/dev/stack/database/postgres-binaries.ts';
import { createTestDatabase } from '../../support/template-database.ts';

/** How a run ends: through the functions that workers call. */
export type Outcome = 'verified' | 'copied' | 'damaged' | 'unverifiable' | 'transient' | 'permanent';

export interface ScheduleRun {
  readonly name: string;
  readonly due_at: Date;
  readonly state: string;
  readonly made_up: boolean;
  readonly backup_id: string | null;
  readonly attempts: number;
  readonly reason: string | null;
  readonly checks: { check: string; state: string; message: string }[];
  readonly began_at: Date | null;
  readonly ended_at: Date | null;
}

export interface ScheduleProject {
  readonly sql: postgres.Sql;
  readonly url: string;
  readonly adminUrl: string;
  /** Every schedule, brought up to that moment, as a heartbeat would. */
  serve(now: string): Promise<void>;
  /** By due time. */
  runs(name: string): Promise<ScheduleRun[]>;
  /** The newest run of a schedule ends. */
  end(name: string, outcome: Outcome): Promise<void>;
  alerts(type: string): Promise<{ severity: string; message: string; event_data: Record<string, unknown> }[]>;
  close(): Promise<void>;
}

/** Claims and ends the open tasks of a run, as its worker would. */
export const END_RUN_SQL = `
  create function backup.test_claim(p_task bigint) returns uuid language sql set search_path = '' as $$
    update backup.task set state = 'claimed', lease_token = gen_random_uuid(), lease_until = now() + interval '1 hour', attempts = 9
    where id = p_task returning lease_token $$;
  create function backup.test_end(p_id text, p_outcome text) returns void language plpgsql set search_path = '' as $$
  declare
    v_task bigint := (select id from backup.task where backup_id = p_id and kind = 'plan' and state = 'pending');
    v_token uuid := backup.test_claim(v_task);
  begin
    if p_outcome in ('transient', 'permanent') then
      perform backup.fail_task(v_task, v_token, jsonb_build_object('kind', p_outcome, 'code', 'STORE_UNAVAILABLE',
        'message', 'the store did not answer', 'hint', 'Look at the store.'));
      return;
    end if;
    update public.backup_log set folder = 'backups/' || p_id where backup_id = p_id;
    perform backup.complete_run(v_task, v_token, '[]', '{"tables": 1, "rows": 5, "objects": 1, "raw_bytes": 9, "stored_bytes": 4}',
      '[{"from": 0, "to": 1}]');
    if p_outcome <> 'copied' then
      perform backup.test_verify(p_id, p_outcome);
    end if;
  end $$;
  create function backup.test_verify(p_id text, p_outcome text) returns void language plpgsql set search_path = '' as $$
  declare
    v_task bigint := (select id from backup.task where backup_id = p_id and kind = 'verify' and state = 'pending');
    v_token uuid := backup.test_claim(v_task);
  begin
    if p_outcome = 'unverifiable' then
      perform backup.fail_task(v_task, v_token, '{"kind": "permanent", "code": "STORE_REFUSED", "message": "access denied"}');
    else
      perform backup.finish_verify_task(v_task, v_token, case p_outcome when 'damaged'
        then '{"objects": 1, "problems": ["missing"]}'::jsonb else '{"objects": 1, "problems": []}' end);
    end if;
  end $$`;

/** Configured, and nothing is owed of the time before `start`. The caller calls close(). */
export async function scheduleProject(
  start: string,
  options: { major?: PostgresMajor } = {},
): Promise<ScheduleProject> {
  const database = await createTestDatabase({ major: options.major ?? 17, template: 'holdfast' });
  const sql = postgres(database.url, { max: 6, onnotice: () => {} });
  await sql.unsafe(END_RUN_SQL).simple();
  await sql`select backup.configure('http://project.example/functions/v1')`;
  await sql`update backup.schedule set checked_until = ${start}`;
  const runs = (name: string) =>
    sql<ScheduleRun[]>`select * from backup.schedule_run where name = ${name} order by due_at`;
  return {
    sql,
    url: database.url,
    adminUrl: database.adminUrl,
    async serve(now) {
      const [row] = await sql`select backup.serve_schedules(${now}) as served`;
      const failed = Object.entries(row!.served.failed);
      if (failed.length > 0) throw new Error(JSON.stringify(failed));
    },
    runs: async (name) => [...(await runs(name))],
    async end(name, outcome) {
      const [run] = await sql`
        with recursive chain as (
          select backup_id from backup.schedule_run where name = ${name} and state in ('running', 'verifying')
          union all select l.backup_id from public.backup_log l join chain on l.retry_of = chain.backup_id)
        select l.backup_id, l.status from chain join public.backup_log l using (backup_id) order by l.attempt desc limit 1`;
      const end = run!.status === 'in_progress' ? sql`backup.test_end` : sql`backup.test_verify`;
      await sql`select ${end}(${run!.backup_id}, ${outcome})`;
    },
    alerts: async (type) => [
      ...(await sql<{ severity: string; message: string; event_data: Record<string, unknown> }[]>`
        select severity, message, event_data from public.system_health_alerts where alert_type = ${type} order by created_at`),
    ],
    async close() {
      await sql.end();
      await database.drop();
    },
  };
}
