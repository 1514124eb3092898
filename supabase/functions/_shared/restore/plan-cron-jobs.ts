import type { ConfigCronJob, ProjectConfig } from '../domain/project-config.ts';
import { quoteLiteral } from '../postgres/identifiers.ts';
import type { HeldBack, TargetFacts } from './contracts.ts';

export interface PlannedJobs {
  readonly jobs: readonly HeldBack[];
  readonly differences: readonly string[];
}

const REASON = 'a cron job acts by itself: in a copy of a project it would send mail or call others a second time';

/** The project's jobs, not Holdfast's. Each SQL may run twice: named jobs are replaced, others looked for. */
export function planCronJobs(config: ProjectConfig, target: TargetFacts): PlannedJobs {
  const jobs = config.cron_jobs.filter(({ own }) => !own);
  if (jobs.length > 0 && !target.schemas.includes('cron') && !target.availableExtensions.includes('pg_cron')) {
    const names = jobs.map(nameOf).join(', ');
    return { jobs: [], differences: [`cron jobs are left out, because the target has no pg_cron: ${names}`] };
  }
  const differences = jobs.flatMap((job) => {
    if (job.username === target.role || givesUser(job, target)) return [];
    return [`cron job ${nameOf(job)} ran as role ${job.username}, and will run as the role that activates it`];
  });
  const heldBack = jobs.map((job) => ({
    kind: 'cron-job' as const,
    name: nameOf(job),
    activateSql: activateSql(job, config, target),
    reason: REASON,
  }));
  return { jobs: heldBack, differences };
}

/** A job without a name is known by what it does. */
const nameOf = ({ name, schedule, command }: ConfigCronJob) =>
  name ?? `${schedule} ${command.replaceAll(/\s+/g, ' ').slice(0, 60)}`;

/** Only a superuser schedules for others. */
const givesUser = (job: ConfigCronJob, target: TargetFacts) =>
  target.superuser && job.name !== null && target.roles.includes(job.username);

function activateSql(job: ConfigCronJob, { database }: ProjectConfig, target: TargetFacts): string {
  const [schedule, command] = [quoteLiteral(job.schedule), quoteLiteral(job.command)];
  if (job.name === null) {
    const same = `jobname is null and username = current_user and schedule = ${schedule} and command = ${command}`;
    return `select ${asActive(`cron.schedule(${schedule}, ${command})`, job)} where not exists (select from cron.job where ${same})`;
  }
  const name = quoteLiteral(job.name);
  const other = job.username !== target.role && givesUser(job, target);
  if (!other && job.database === database) {
    return `select ${asActive(`cron.schedule(${name}, ${schedule}, ${command})`, job)}`;
  }
  const where = quoteLiteral(job.database === database ? target.database : job.database);
  const user = other ? quoteLiteral(job.username) : 'current_user::text';
  return `select cron.schedule_in_database(${name}, ${schedule}, ${command}, ${where}, ${user}, ${job.active})`;
}

/** A job that was switched off comes back switched off. */
const asActive = (call: string, { active }: ConfigCronJob) =>
  active ? call : `cron.alter_job(${call}, active := false)`;
