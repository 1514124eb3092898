/** database-health-monitor: is it up, how well is everything, and the jobs that find out without anyone asking. */
import type { Sql } from 'postgres';
import { parseFunctionConfig, parseMetricsTokens } from '../_shared/config.ts';
import { createLogger } from '../_shared/log.ts';
import { createIsUp } from '../_shared/monitor/is-up.ts';
import { publicKeysOf } from '../_shared/monitor/public-keys-of.ts';
import { denoPlatform } from '../_shared/platform-deno.ts';
import { openDriver } from '../_shared/postgres/open-driver.ts';
import { workerCaller } from '../_shared/runs/call-worker.ts';
import { JobLedger } from '../_shared/runs/job-ledger.ts';
import { serveJobs } from '../_shared/runs/serve-jobs.ts';
import type { Surroundings } from './app.ts';
import { stepFor } from './job-steps.ts';
import { serveMonitor } from './serve-monitor.ts';

const NAME = 'database-health-monitor';
const log = createLogger((line) => console.log(line), { facts: { function: NAME } });
const publicKeys = () => publicKeysOf(denoPlatform.env);
const hasSecret = (name: string) => (denoPlatform.env(name) ?? '').trim() !== '';

let driver: Sql | undefined;
/** One connection: a project allows few in all. Throws CONFIG_INVALID. */
function sql(): Sql {
  const options = { max: 1, applicationName: 'holdfast monitor', platform: denoPlatform };
  driver ??= openDriver(denoPlatform.env('SUPABASE_DB_URL') ?? '', options) as unknown as Sql;
  return driver;
}

let operators: Promise<(request: Request) => Promise<Response> | Response> | undefined;
/** Loaded by the first operator: most calls are probes and tickets. */
async function openToOperators() {
  const [{ createApp }, { createAuthenticator }] = await Promise.all([
    import('./app.ts'),
    import('../_shared/http/authenticate.ts'),
  ]);
  let built: Surroundings | undefined;
  /** Built by a request, so that a broken configuration is an answer and not a boot error. */
  const surroundings = (): Surroundings => {
    if (built) return built;
    const config = parseFunctionConfig(denoPlatform.env);
    log.hide([config.databaseUrl, config.store.secretAccessKey, ...config.serviceKeys]);
    const serviceKeys = config.serviceKeys.map((key) => key.reveal());
    const anonKey = config.anonKey ?? serviceKeys[0]!;
    built = {
      sql: sql(),
      publicKeys,
      hasSecret,
      authenticate: createAuthenticator({ ...config, anonKey, serviceKeys }),
    };
    return built;
  };
  return createApp({ surroundings, log }).fetch;
}

Deno.serve(
  serveMonitor({
    isUp: createIsUp(sql),
    work: serveJobs({
      platform: denoPlatform,
      ledger: () => new JobLedger(sql(), NAME),
      stepFor: (kind) => stepFor(kind, { sql, publicKeys, env: (name) => denoPlatform.env(name) }),
      callWorker: workerCaller(denoPlatform, `${NAME}/work`),
      workerName: denoPlatform.env('SB_EXECUTION_ID') ?? crypto.randomUUID(),
      log,
    }),
    metrics: async () => {
      const { serveMetrics } = await import('../_shared/monitor/metrics/serve-metrics.ts');
      const tokens = () => parseMetricsTokens(denoPlatform.env).map((token) => token.reveal());
      return serveMetrics({ sql, tokens, log });
    },
    operators: () => {
      operators ??= openToOperators();
      return operators;
    },
  }),
);
