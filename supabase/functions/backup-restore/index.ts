/** backup-restore: drills. `/work` is called by the queue with a single-use ticket and does one slice of one job. */
import type { Sql } from 'postgres';
import { parseDrillConfig, parseFunctionConfig } from '../_shared/config.ts';
import { ERRORS } from '../_shared/errors.ts';
import { createLogger } from '../_shared/log.ts';
import { denoPlatform } from '../_shared/platform-deno.ts';
import { openDriver } from '../_shared/postgres/open-driver.ts';
import { workerCaller } from '../_shared/runs/call-worker.ts';
import { JobLedger } from '../_shared/runs/job-ledger.ts';
import type { JobHold, JobStep } from '../_shared/runs/job-row.ts';
import { serveJobs } from '../_shared/runs/serve-jobs.ts';
import type { Surroundings } from './app.ts';
import { equipDrill, equipSweep } from './equip-drills.ts';

const NAME = 'backup-restore';
const log = createLogger((line) => console.log(line), { facts: { function: NAME } });

let database: Sql | undefined;
let built: Surroundings | undefined;
let operators: Promise<(request: Request) => Response | Promise<Response>> | undefined;

function openDatabase(): Sql {
  const options = { max: 1, applicationName: 'holdfast drills', platform: denoPlatform };
  database ??= openDriver(denoPlatform.env('SUPABASE_DB_URL') ?? '', options);
  return database;
}

async function stepFor(kind: string): Promise<JobStep> {
  if (kind === 'drill') {
    const { drillStep } = await import('../_shared/restore/drill/drill-step.ts');
    return drillStep((backupId) => equipDrill(denoPlatform, openDatabase(), backupId));
  }
  if (kind !== 'drill_sweep') throw ERRORS.INTERNAL(`${NAME} knows no jobs of kind ${kind}`);
  const { sweepStep } = await import('../_shared/restore/drill/sweep-step.ts');
  return sweepStep(() => equipSweep(denoPlatform, openDatabase()));
}

const work = serveJobs({
  platform: denoPlatform,
  ledger: () => new JobLedger(openDatabase(), NAME),
  stepFor,
  callWorker: workerCaller(denoPlatform, `${NAME}/work`),
  workerName: denoPlatform.env('SB_EXECUTION_ID') ?? crypto.randomUUID(),
  log,
});

/** Loaded by the first request of an operator: a worker call needs none of it. */
async function loadOperators() {
  const [{ createApp }, { createAuthenticator }] = await Promise.all([
    import('./app.ts'),
    import('../_shared/http/authenticate.ts'),
  ]);
  const surroundings = () => {
    built ??= build(createAuthenticator);
    return built;
  };
  return createApp({ surroundings, log }).fetch;
}

function build(authenticator: typeof import('../_shared/http/authenticate.ts').createAuthenticator): Surroundings {
  const config = parseFunctionConfig(denoPlatform.env);
  log.hide([config.databaseUrl, config.store.secretAccessKey, ...config.serviceKeys]);
  const serviceKeys = config.serviceKeys.map((key) => key.reveal());
  return {
    sql: openDatabase(),
    drillMode: () => (parseDrillConfig(denoPlatform.env).privateKeys ? 'restore' : 'stored-bytes'),
    sweep: async () => {
      const step = await stepFor('drill_sweep');
      await step({} as JobHold); // a sweep asks nothing of its job
    },
    // A project without legacy keys has no anon key; its gateway takes the secret key as well.
    authenticate: authenticator({ ...config, anonKey: config.anonKey ?? serviceKeys[0]!, serviceKeys }),
  };
}

Deno.serve(async (request) => {
  if (new URL(request.url).pathname === `/${NAME}/work`) return await work(request);
  operators ??= loadOperators();
  return await (await operators)(request);
});
