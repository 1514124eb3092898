import type { Sql } from 'postgres';
import { examineSchedules } from './examine-schedules.ts';
import { examineTickSteps } from './examine-tick-steps.ts';
import { type Finding, ok, problem, skipped, warning } from './finding.ts';
import type { Examination } from './patient.ts';

const TICK_JOB = 'holdfast-tick';
const EACH_MINUTE = '* * * * *';
const SCHEDULE_TICK = "select cron.schedule('holdfast-tick', '* * * * *', 'select backup.tick()');";
/** pg_cron begins each minute; two missed ones are no accident. */
const QUIET_MINUTES = 5;

/** What begins work by itself: the extensions, the heartbeat's job, that it really beats, and what it is to begin. */
export const schedule: Examination = {
  name: 'schedule',
  title: 'Extensions and cron jobs',
  needs: 'installation',
  examine: async ({ sql }) => {
    const [there] =
      await sql!`select to_regnamespace('cron') is not null as cron, to_regnamespace('net') is not null as net`;
    return [
      there!.net
        ? ok('pg_net', 'installed')
        : problem('pg_net', 'not installed: the database cannot call the functions', 'create extension pg_net;'),
      ...(there!.cron
        ? await heartbeat(sql!)
        : [
            problem(
              'pg_cron',
              'not installed: nothing begins by itself',
              'create extension pg_cron; then run the migrations again',
            ),
          ]),
      ...(await examineTickSteps(sql!)),
      ...(await examineSchedules(sql!)),
    ];
  },
};

async function heartbeat(sql: Sql): Promise<Finding[]> {
  const [job] = await sql`select active, schedule, command from cron.job where jobname = ${TICK_JOB}`;
  if (!job) return [ok('pg_cron', 'installed'), problem(`cron job ${TICK_JOB}`, 'is not there', SCHEDULE_TICK)];
  if (!job.active) {
    const mend = `select cron.alter_job((select jobid from cron.job where jobname = '${TICK_JOB}'), active := true);`;
    return [ok('pg_cron', 'installed'), problem(`cron job ${TICK_JOB}`, 'is switched off', mend)];
  }
  if (job.schedule.trim().split(/\s+/).join(' ') !== EACH_MINUTE || !/\bbackup\.tick\(/.test(job.command)) {
    const message = `must be 'select backup.tick()' each minute (${EACH_MINUTE}): it is '${job.command}' at ${job.schedule}`;
    return [ok('pg_cron', 'installed'), problem(`cron job ${TICK_JOB}`, message, SCHEDULE_TICK)];
  }
  return [ok('pg_cron', 'installed'), ok(`cron job ${TICK_JOB}`, `each minute (${job.schedule})`), await lastBeat(sql)];
}

async function lastBeat(sql: Sql): Promise<Finding> {
  const [details] = await sql`select to_regclass('cron.job_run_details') is not null as there`;
  if (!details!.there) return skipped('heartbeat', 'this pg_cron keeps no record of its runs');
  const [last] = await sql`
    select d.status, left(d.return_message, 200) as message,
      extract(epoch from clock_timestamp() - d.start_time)::float8 / 60 as minutes
    from cron.job_run_details d join cron.job j on j.jobid = d.jobid
    where j.jobname = ${TICK_JOB} and d.start_time is not null order by d.start_time desc limit 1`;
  const restart = 'restart the project: pg_cron is a process of its server (Project Settings, General)';
  if (!last) return await unrecordedBeat(sql, restart);
  if (last.status === 'failed')
    return problem('heartbeat', `the last one failed: ${last.message}`, 'select backup.tick();');
  if (last.minutes > QUIET_MINUTES)
    return problem('heartbeat', `the last one was ${Math.round(last.minutes)} minutes ago`, restart);
  return ok('heartbeat', `the last one was ${Math.max(0, Math.round(last.minutes * 60))} seconds ago`);
}

/** pg_cron with cron.log_run off records nothing; the heartbeat keeps its own moment. */
async function unrecordedBeat(sql: Sql, restart: string): Promise<Finding> {
  const [row] = await sql`
    select coalesce(current_setting('cron.log_run', true), 'on') = 'off' as unrecorded,
      extract(epoch from clock_timestamp() - at)::float8 / 60 as minutes
    from backup.heartbeat where name = 'tick'`;
  if (row?.minutes > QUIET_MINUTES)
    return problem('heartbeat', `the last one was ${Math.round(row!.minutes)} minutes ago`, restart);
  if (row?.unrecorded) return ok('heartbeat', `the last one was ${Math.round(row.minutes * 60)} seconds ago`);
  return warning('heartbeat', 'has not run yet: the first is due within a minute', 'wait a minute and run this again');
}
