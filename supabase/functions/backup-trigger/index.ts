/** backup-trigger: operators start, list, inspect, cancel, verify and download backups. */
import { parseFunctionConfig } from '../_shared/config.ts';
import { createAuthenticator } from '../_shared/http/authenticate.ts';
import { createLogger } from '../_shared/log.ts';
import { denoPlatform } from '../_shared/platform-deno.ts';
import { openDriver } from '../_shared/postgres/open-driver.ts';
import { createS3Store } from '../_shared/stores/s3-store.ts';
import { createApp, type Surroundings } from './app.ts';

const log = createLogger((line) => console.log(line), { facts: { function: 'backup-trigger' } });
/** A project allows few connections in all; an isolate serves one request at a time. */
const CONNECTIONS = 1;

let built: Surroundings | undefined;

/** Built by the first request, so that a broken configuration is an answer and not a boot error. */
function surroundings(): Surroundings {
  built ??= build();
  return built;
}

function build(): Surroundings {
  const config = parseFunctionConfig(denoPlatform.env);
  log.hide([config.databaseUrl, config.store.secretAccessKey, ...config.serviceKeys]);
  const serviceKeys = config.serviceKeys.map((key) => key.reveal());
  const store = createS3Store(config.store); // connects nowhere before it is used
  return {
    sql: openDriver(config.databaseUrl.reveal(), {
      max: CONNECTIONS,
      applicationName: 'holdfast trigger',
      platform: denoPlatform,
    }),
    store: () => store,
    // A project without legacy keys has no anon key; its gateway takes the secret key as well.
    authenticate: createAuthenticator({ ...config, anonKey: config.anonKey ?? serviceKeys[0]!, serviceKeys }),
  };
}

Deno.serve(createApp({ surroundings, log }).fetch);
