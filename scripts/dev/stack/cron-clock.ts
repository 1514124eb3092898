/**
 * pg_cron's launcher: starts the due jobs of cron.job, each in a connection of its own as the job's role, and writes
 * cron.job_run_details. One instance per job: minute jobs that came due meanwhile run afterwards, one after another; a
 * seconds job queues at most one run. A job that is unscheduled while it runs is reported as canceled and its connection
 * closed. Missed runs of a stopped clock are not replayed.
 */
import postgres from 'postgres';
import { type CronJob, type JobLogin, runCronJob } from './cron-job.ts';
import { type CronSchedule, parseSchedule } from './cron-schedule.ts';
import { isTransientPostgresError } from './transient-postgres-error.ts';

export interface CronClock {
  /** Ends running jobs as a stop of the server would. */
  stop(): Promise<void>;
}

interface Task {
  job: CronJob;
  schedule: CronSchedule;
  pendingRuns: number;
  lastStartMs: number;
  running: { cancel: AbortController; done: Promise<void> } | undefined;
}

/** cron.max_running_jobs */
const MAX_RUNNING_JOBS = 32;
/** pg_cron hears of changes at once; this is how late the clock may be. */
const LOOK_MS = 200;

export async function startCronClock(adminUrl: string, options: { login: JobLogin }): Promise<CronClock> {
  const sql = postgres(adminUrl, { max: 4, onnotice: () => {}, connection: { application_name: 'pg_cron scheduler' } });
  await sql`update cron.job_run_details set status = 'failed', return_message = 'server restarted'
    where status in ('starting', 'connecting', 'sending', 'running')`;
  const clock = new Clock(sql, options.login);
  const stopping = new AbortController();
  const ticking = tickUntil(stopping.signal, () => clock.tick());
  return {
    async stop() {
      stopping.abort();
      await ticking;
      await clock.cancelAll();
      await sql.end({ timeout: 1 });
    },
  };
}

async function tickUntil(signal: AbortSignal, tick: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await tick().catch((error) => {
      if (!isTransientPostgresError(error)) throw error; // else the database restarts: look again
    });
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

class Clock {
  #sql: postgres.Sql;
  #login: JobLogin;
  #tasks = new Map<string, Task>();
  #lastMinuteMs = startOfMinute(Date.now());
  #first = true;

  constructor(sql: postgres.Sql, login: JobLogin) {
    this.#sql = sql;
    this.#login = login;
  }

  async tick(): Promise<void> {
    await this.#refreshTasks();
    const nowMs = Date.now();
    this.#countMinutes(nowMs);
    for (const task of this.#tasks.values()) {
      const { schedule } = task;
      if (schedule.kind === 'seconds' && nowMs - task.lastStartMs >= schedule.everyMs) task.pendingRuns = 1;
      if (schedule.kind === 'start' && this.#first) task.pendingRuns = 1;
      if (task.pendingRuns > 0 && !task.running && this.#runningCount() < MAX_RUNNING_JOBS) this.#start(task, nowMs);
    }
    this.#first = false;
  }

  async cancelAll(): Promise<void> {
    const running = [...this.#tasks.values()].flatMap((task) => task.running ?? []);
    for (const { cancel } of running) cancel.abort();
    await Promise.all(running.map(({ done }) => done));
  }

  async #refreshTasks(): Promise<void> {
    const jobs = await this.#sql<CronJob[]>`
      select jobid, schedule, command, database, username, jobname from cron.job where active`;
    const known = new Set(jobs.map((job) => job.jobid));
    for (const [jobid, task] of this.#tasks) {
      if (known.has(jobid)) continue;
      task.running?.cancel.abort();
      if (!task.running) this.#tasks.delete(jobid);
      else task.pendingRuns = 0;
    }
    for (const job of jobs) {
      const task = this.#tasks.get(job.jobid);
      if (task?.job.schedule === job.schedule) task.job = job;
      else this.#tasks.set(job.jobid, newTask(job, task));
    }
  }

  /** A gap of up to five minutes (a busy machine) is caught up; a longer one is a clock that was changed. */
  #countMinutes(nowMs: number): void {
    const minuteMs = startOfMinute(nowMs);
    const gapMs = minuteMs - this.#lastMinuteMs;
    const fromMs = gapMs >= 0 && gapMs <= 5 * 60_000 ? this.#lastMinuteMs + 60_000 : minuteMs;
    for (let atMs = fromMs; atMs <= minuteMs; atMs += 60_000) {
      for (const task of this.#tasks.values()) {
        if (task.schedule.kind === 'minutes' && task.schedule.isDue(new Date(atMs))) task.pendingRuns += 1;
      }
    }
    this.#lastMinuteMs = minuteMs;
  }

  #runningCount(): number {
    return [...this.#tasks.values()].filter((task) => task.running).length;
  }

  #start(task: Task, nowMs: number): void {
    task.pendingRuns -= 1;
    task.lastStartMs = nowMs;
    const cancel = new AbortController();
    const done = runCronJob(task.job, { sql: this.#sql, login: this.#login, signal: cancel.signal })
      .catch((error) => {
        if (!isTransientPostgresError(error)) throw error; // else nobody is there to write the details to
      })
      .finally(() => {
        task.running = undefined;
      });
    task.running = { cancel, done };
  }
}

function newTask(job: CronJob, before: Task | undefined): Task {
  // A new seconds job runs for the first time one interval from now, as pg_cron's does.
  return {
    job,
    schedule: parseSchedule(job.schedule),
    pendingRuns: 0,
    lastStartMs: Date.now(),
    running: before?.running,
  };
}

function startOfMinute(ms: number): number {
  return Math.floor(ms / 60_000) * 60_000;
}
