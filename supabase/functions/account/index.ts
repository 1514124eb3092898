/** account: users export their personal data and have it erased; the queue goes on with what takes longer than a call. */
import type { Sql } from 'postgres';
import type { Signer } from '../_shared/archive/sign-manifest.ts';
import { parseFunctionConfig, type SigningKey } from '../_shared/config.ts';
import type { HoldfastError } from '../_shared/errors.ts';
import { createLogger } from '../_shared/log.ts';
import { denoPlatform } from '../_shared/platform-deno.ts';
import { openDriver } from '../_shared/postgres/open-driver.ts';
import { openSession } from '../_shared/postgres/open-session.ts';
import { workerCaller } from '../_shared/runs/call-worker.ts';
import { JobLedger } from '../_shared/runs/job-ledger.ts';
import { serveJobs } from '../_shared/runs/serve-jobs.ts';
import { createS3Store } from '../_shared/stores/s3-store.ts';
import type { Surroundings } from './app.ts';
import { jobSteps } from './job-steps.ts';
import { createPlaces } from './places.ts';
import type { FunctionMeans } from './route.ts';

const log = createLogger((line) => console.log(line), { facts: { function: 'account' } });
/** A project allows few connections in all; a download or an export holds one while another request is answered. */
const CONNECTIONS = 2;
/** Exports that are sent at once each hold another one. */
const SESSIONS = 3;
/** Each costs up to 5 ms of CPU per MB; nobody needs all of them. */
const DOWNLOADS = 4;
const DOWNLOADS_EACH = 2;

let means: FunctionMeans | undefined;
let app: Promise<(request: Request) => Response | Promise<Response>> | undefined;

/** Built by the first request, so that a broken configuration is an answer and not a boot error. */
function openMeans(): FunctionMeans {
  means ??= buildMeans();
  return means;
}

function buildMeans(): FunctionMeans {
  const config = parseFunctionConfig(denoPlatform.env);
  log.hide([config.databaseUrl, config.store.secretAccessKey, ...config.serviceKeys]);
  const store = createS3Store(config.store); // connects nowhere before it is used
  const options = { max: CONNECTIONS, applicationName: 'holdfast account', platform: denoPlatform };
  return {
    sql: openDriver(config.databaseUrl.reveal(), options),
    store: () => store,
    openSession: () =>
      openSession(denoPlatform, config.databaseUrl.reveal(), { applicationName: 'holdfast account rows' }),
    places: createPlaces(SESSIONS),
    downloads: createPlaces(DOWNLOADS, { each: DOWNLOADS_EACH }),
    signer: () => openSigner(config.signingKey),
    project: { supabaseUrl: config.supabaseUrl, serviceKey: config.serviceKeys[0]!.reveal(), fetch },
    log,
    waitUntil: (work) => denoPlatform.waitUntil(work),
  };
}

/** Loaded when something is to be signed: OpenPGP costs a fifth of a call's CPU. */
async function openSigner(signing: SigningKey | null): Promise<Signer | null> {
  if (signing === null) return null;
  const { createSigner } = await import('../_shared/archive/sign-manifest.ts');
  return await createSigner(signing.armored.reveal(), signing.passphrase?.reveal());
}

/** Loaded by the first user: the worker's calls do without it, and module evaluation counts against their CPU. */
async function openApp() {
  const [{ createApp }, { createAuthenticator }] = await Promise.all([
    import('./app.ts'),
    import('../_shared/http/authenticate.ts'),
  ]);
  let built: Surroundings | undefined;
  const build = (): Surroundings => {
    const config = parseFunctionConfig(denoPlatform.env);
    const serviceKeys = config.serviceKeys.map((key) => key.reveal());
    // A project without legacy keys has no anon key; its gateway takes the secret key as well.
    const authenticate = createAuthenticator({ ...config, anonKey: config.anonKey ?? serviceKeys[0]!, serviceKeys });
    return { ...openMeans(), authenticate };
  };
  const surroundings = () => {
    built ??= build();
    return built;
  };
  return createApp({ surroundings, log }).fetch;
}

const work = serveJobs({
  platform: denoPlatform,
  ledger: () => new JobLedger(openMeans().sql as unknown as Sql, 'account'),
  stepFor: (kind) => jobSteps(kind, openMeans()),
  callWorker: workerCaller(denoPlatform, 'account/work'),
  workerName: denoPlatform.env('SB_EXECUTION_ID') ?? crypto.randomUUID(),
  log,
});

Deno.serve(async (request) => {
  if (/\/account\/work\/?$/.test(new URL(request.url).pathname)) return await work(request);
  app ??= openApp().catch((error: HoldfastError) => {
    app = undefined;
    throw error;
  });
  return await (await app)(request);
});
