/** One run of one job: its own connection, its role, its row in cron.job_run_details. */
import postgres from 'postgres';

export interface CronJob {
  readonly jobid: string;
  readonly jobname: string | null;
  readonly schedule: string;
  readonly command: string;
  readonly database: string;
  readonly username: string;
}

/** How to connect as a job's role; throws when the role has no known password. */
export type JobLogin = (role: string, database: string) => string;

/** Never throws for what the job does wrong: that is in the details, as with pg_cron. */
export async function runCronJob(
  job: CronJob,
  options: { sql: postgres.Sql; login: JobLogin; signal: AbortSignal },
): Promise<void> {
  const { sql, signal } = options;
  const [run] = await sql`
    insert into cron.job_run_details (jobid, database, username, command, status)
    values (${job.jobid}, ${job.database}, ${job.username}, ${job.command}, 'starting') returning runid`;
  const write = async (values: Record<string, unknown>) => {
    await sql`update cron.job_run_details set ${sql(values)} where runid = ${run?.runid}`;
  };
  let connection: postgres.Sql | undefined;
  const cancel = () => void connection?.end({ timeout: 0 });
  signal.addEventListener('abort', cancel, { once: true });
  try {
    connection = connect(options.login(job.username, job.database));
    const [session] = await connection`select pg_catalog.pg_backend_pid() as pid`;
    await write({ job_pid: session?.pid, status: 'running', start_time: sql`pg_catalog.clock_timestamp()` });
    const message = await execute(connection, job.command);
    if (signal.aborted) await write(failure('job canceled'));
    else await write({ status: 'succeeded', return_message: message, end_time: sql`pg_catalog.clock_timestamp()` });
  } catch (error) {
    await write({
      ...failure(signal.aborted ? 'job canceled' : errorText(error)),
      end_time: sql`pg_catalog.clock_timestamp()`,
    });
  } finally {
    signal.removeEventListener('abort', cancel);
    await connection?.end({ timeout: 0 });
  }
}

function connect(url: string): postgres.Sql {
  return postgres(url, {
    max: 1,
    onnotice: () => {},
    connection: { application_name: 'pg_cron' },
    connect_timeout: 10,
    // A job that ends its own connection must not come back on a new one.
    max_lifetime: null,
  });
}

/** The simple protocol, as libpq's PQsendQuery: several statements are one transaction. Returns pg_cron's message. */
async function execute(connection: postgres.Sql, command: string): Promise<string> {
  const results = await connection.unsafe(command).simple();
  const last = Array.isArray(results[0]) ? (results.at(-1) as unknown as postgres.RowList<postgres.Row[]>) : results;
  if (last.columns) return `${last.length} ${last.length === 1 ? 'row' : 'rows'}`;
  // The server's command tag, which the driver has taken apart.
  if (last.command === 'INSERT') return `INSERT 0 ${last.count}`;
  return [last.command, last.count].filter((part) => part !== null && part !== undefined).join(' ');
}

function failure(message: string): Record<string, unknown> {
  return { status: 'failed', return_message: message };
}

/** As libpq formats it. */
function errorText(error: unknown): string {
  const { severity, message, code } = error as { severity?: string; message: string; code?: string };
  return severity ? `${severity}:  ${message}\n` : code === 'CONNECTION_CLOSED' ? 'connection lost' : message;
}
