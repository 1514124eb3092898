/** What a test run needs besides Node: PostgreSQL of each version, Ceph RGW, the native client programs. */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureOracle } from '../oracle/ensure-oracle.ts';
import { ensurePromtool } from '../oracle/ensure-promtool.ts';
import { type RunningPostgres, startPostgres } from '../stack/database/start-postgres.ts';
import { rgwInstalled, startRgw } from '../stack/rgw.ts';
import type { TestRunOptions } from './run-options.ts';

const DEBIAN_PG_CRON = '/usr/lib/postgresql/15/lib/pg_cron.so';

export interface LeftOut {
  readonly what: string;
  readonly why: string;
  /** The caller asked for it, so leaving it out fails the run. */
  readonly required: boolean;
}

export interface TestServices {
  readonly postgres: readonly RunningPostgres[];
  /** For the test processes. */
  readonly environment: Record<string, string>;
  readonly leftOut: readonly LeftOut[];
  stop(): Promise<void>;
}

type Stop = () => Promise<void>;

/** Starts all at once; what had started is stopped again when one fails. */
export async function startServices(options: TestRunOptions, dir: string): Promise<TestServices> {
  await mkdir(dir, { recursive: true });
  const stops: Stop[] = [];
  const environment: Record<string, string> = {};
  const leftOut: LeftOut[] = [];
  const postgres: RunningPostgres[] = [];
  const stop = async () => {
    const results = await Promise.allSettled(stops.splice(0).map((each) => each()));
    await rm(dir, { recursive: true, force: true });
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  };
  const jobs = options.majors.map(async (major) => {
    const server = await startPostgres({ major, dir: join(dir, `postgres-${major}`) });
    stops.push(() => server.stop({ remove: true }));
    postgres.push(server);
    environment[`HOLDFAST_TEST_PG${major}_URL`] = server.adminUrl;
  });
  if (!existsSync(DEBIAN_PG_CRON)) {
    leftOut.push({
      what: 'the keeper and tick on pg_cron',
      why: 'postgresql-15-cron is not installed',
      required: options.requireCron,
    });
  }
  jobs.push(addRgw(options, { dir, environment, leftOut, stops }), addOracles(options, { environment, leftOut }));
  const failed = (await Promise.allSettled(jobs)).find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return { postgres, environment, leftOut, stop };
}

async function addRgw(
  options: TestRunOptions,
  run: { dir: string; environment: Record<string, string>; leftOut: LeftOut[]; stops: Stop[] },
): Promise<void> {
  if (!rgwInstalled()) {
    run.leftOut.push({ what: 'S3 on Ceph RGW', why: 'radosgw is not installed', required: options.requireRgw });
    return;
  }
  const rgw = await startRgw({ dir: join(run.dir, 'rgw') });
  run.stops.push(() => rgw.stop());
  run.environment.HOLDFAST_TEST_S3_ENDPOINT = rgw.endpoint;
  run.environment.HOLDFAST_TEST_S3_ACCESS_KEY_ID = rgw.accessKeyId;
  run.environment.HOLDFAST_TEST_S3_SECRET_ACCESS_KEY = rgw.secretAccessKey;
}

async function addOracles(
  options: TestRunOptions,
  run: { environment: Record<string, string>; leftOut: LeftOut[] },
): Promise<void> {
  for (const major of [17, 15] as const) {
    const oracle = await ensureOracle(major, { download: options.download });
    if (oracle) run.environment[`HOLDFAST_ORACLE_PG${major}_DIR`] = oracle.dir;
    else {
      const why = `postgresql-client-${major} is not installed; --install fetches it on Debian`;
      run.leftOut.push({ what: `comparison with pg_dump ${major}`, why, required: options.requireOracle });
    }
  }
  const promtool = await ensurePromtool({ download: options.download });
  if (promtool) run.environment.HOLDFAST_PROMTOOL = promtool;
  else {
    const why = 'prometheus is not installed; --install fetches its promtool on Debian';
    run.leftOut.push({ what: 'metrics before promtool', why, required: options.requireOracle });
  }
}
