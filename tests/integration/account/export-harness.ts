/** The function `account` over a real database, with stand-ins of the Auth and Storage servers and a store in memory. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import postgres, { type Sql } from 'postgres';
import { type ApiKeys, makeApiKeys, signJwt } from '../../../scripts/dev/stack/api-keys.ts';
import { authApi, userClaims } from '../../../scripts/dev/stack/auth-api.ts';
import { makeStackUsers } from '../../../scripts/dev/stack/stack-users.ts';
import { storageApi } from '../../../scripts/dev/stack/storage-api.ts';
import { StorageFiles } from '../../../scripts/dev/stack/storage-files.ts';
import { createAuthenticator } from '../../../supabase/functions/_shared/http/authenticate.ts';
import { createLogger } from '../../../supabase/functions/_shared/log.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { type Sql as Driver, openDriver } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import { JobLedger } from '../../../supabase/functions/_shared/runs/job-ledger.ts';
import { runSlice } from '../../../supabase/functions/_shared/runs/serve-jobs.ts';
import { createMemoryStore } from '../../../supabase/functions/_shared/stores/memory-store.ts';
import type { Store } from '../../../supabase/functions/_shared/stores/store.ts';
import { createApp } from '../../../supabase/functions/account/app.ts';
import { jobSteps } from '../../../supabase/functions/account/job-steps.ts';
import { createPlaces } from '../../../supabase/functions/account/places.ts';
import type { FunctionMeans } from '../../../supabase/functions/account/route.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';

const SUPABASE_URL = 'http://project.example';
const ISSUER = `${SUPABASE_URL}/auth/v1`;

export interface CallOptions {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

export interface Account {
  readonly database: TestDatabase;
  /** As role postgres: the function's own connection. */
  readonly sql: Driver;
  readonly admin: Sql;
  readonly keys: ApiKeys;
  readonly store: Store;
  readonly means: FunctionMeans;
  readonly log: string[];
  /** JWT_ADMIN, JWT_USER … of the stack's users. */
  readonly tokens: Record<string, string>;
  userId(token: string): string;
  /** An access token as Auth gives it; the user must exist in auth.users. */
  tokenFor(user: { id: string; email: string }, lifetime?: string): Promise<string>;
  call(path: string, options?: CallOptions): Promise<Response>;
  /** Uploads a file that belongs to the user, past every rule for names. */
  upload(user: string, file: { bucket: string; name: string; bytes: Uint8Array }): Promise<void>;
  removeFiles(): Promise<void>;
  /** Slices of jobs until none is due; returns how many. */
  work(most?: number): Promise<number>;
  close(): Promise<void>;
}

export interface AccountOptions {
  readonly store?: Store;
  readonly template?: 'holdfast' | 'demo';
}

export async function startAccount(options: AccountOptions = {}): Promise<Account> {
  const database = await createTestDatabase({ major: 17, template: options.template ?? 'holdfast' });
  const sql = openDriver(database.url, { max: 4, applicationName: 'account tests', platform: nodePlatform });
  const admin = postgres(database.adminUrl, { max: 2, onnotice: () => {} });
  const keys = await makeApiKeys();
  const auth = authApi({ sql: admin, keys, issuer: () => ISSUER });
  const tokens = await makeStackUsers(admin, { keys, issuer: ISSUER });
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-account-'));
  const files = new StorageFiles(directory);
  const storage = storageApi({ sql: admin, keys, files });
  const store = options.store ?? createMemoryStore();
  const log: string[] = [];
  const projectFetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    return await (new URL(request.url).pathname.startsWith('/auth/') ? auth : storage).fetch(request);
  };
  const authenticate = createAuthenticator({
    supabaseUrl: SUPABASE_URL,
    anonKey: keys.anonKey,
    serviceKeys: [keys.serviceRoleKey, keys.secretKey],
    fetch: projectFetch,
  });
  const pending = new Set<Promise<unknown>>();
  const means: FunctionMeans = {
    sql,
    store: () => store,
    openSession: () => openSession(nodePlatform, database.url),
    places: createPlaces(3),
    downloads: createPlaces(4, { each: 2 }),
    signer: async () => null,
    project: { supabaseUrl: SUPABASE_URL, serviceKey: keys.serviceRoleKey, fetch: projectFetch },
    log: createLogger((line) => log.push(line)),
    waitUntil(work) {
      const settled = work.catch(() => {}).finally(() => pending.delete(settled));
      pending.add(settled);
    },
  };
  const app = createApp({ surroundings: () => ({ ...means, authenticate }), log: means.log });
  const ledger = new JobLedger(sql as unknown as Sql, 'account');
  return {
    database,
    sql,
    admin,
    keys,
    store,
    means,
    log,
    tokens,
    userId: (token) => decodeJwt(tokens[token]!).sub!,
    tokenFor(user, lifetime = '1h') {
      const claims = userClaims({ ...user, raw_app_meta_data: {}, raw_user_meta_data: {} });
      return signJwt(claims, { jwtSecret: keys.jwtSecret, issuer: ISSUER, lifetime });
    },
    async call(path, { method = 'GET', token, headers = {}, body } = {}) {
      const given = {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      };
      const init = { method, headers: given, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      return await app.fetch(new Request(`http://edge.example${path}`, init));
    },
    async upload(user, { bucket, name, bytes }) {
      await admin`insert into storage.buckets (id, name) values (${bucket}, ${bucket}) on conflict do nothing`;
      const version = crypto.randomUUID();
      const { sizeBytes, md5 } = await files.write({ bucketId: bucket, name, version }, toStream(bytes));
      const metadata = { size: sizeBytes, mimetype: 'application/octet-stream', eTag: `"${md5}"` };
      await admin`
        insert into storage.objects (bucket_id, name, owner_id, version, metadata)
        values (${bucket}, ${name}, ${user}, ${version}, ${admin.json(metadata)})
        on conflict (bucket_id, name) do update set version = excluded.version, metadata = excluded.metadata`;
    },
    async removeFiles() {
      await admin.begin(async (transaction) => {
        await transaction`select set_config('storage.allow_delete_query', 'true', true)`;
        await transaction`delete from storage.objects`;
      });
    },
    async work(most = 1000) {
      const door = { stepFor: (kind: string) => jobSteps(kind, means), workerName: 'test', log: means.log };
      let slices = 0;
      while (slices < most && (await runSlice(door, ledger))) slices += 1;
      return slices;
    },
    async close() {
      await Promise.all(pending);
      await sql.end({ timeout: 5 });
      await admin.end({ timeout: 5 });
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function* toStream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

export interface OpenedZip {
  readonly path: string;
  readonly names: string[];
  read(name: string): Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents.
  json(name: string): any;
}

/** Tests the archive with Info-ZIP and reads it with Python: neither is code of ours. */
export async function openZip(
  bytes: Uint8Array,
  context: { after(fn: () => Promise<void>): void },
): Promise<OpenedZip> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-zip-'));
  context.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'export.zip');
  await writeFile(path, bytes);
  execFileSync('unzip', ['-tqq', path], { stdio: ['ignore', 'pipe', 'pipe'] });
  const dump =
    'import sys,json,zipfile,base64;z=zipfile.ZipFile(sys.argv[1]);print(json.dumps([[n,base64.b64encode(z.read(n)).decode()] for n in z.namelist()]))';
  const entries: [string, string][] = JSON.parse(
    execFileSync('python3', ['-c', dump, path], { encoding: 'utf8', maxBuffer: 1e9 }),
  );
  const names = entries.map(([name]) => name);
  const read = (name: string) => {
    const found = entries.find((entry) => entry[0] === name);
    if (!found) throw new Error(`${name} is not in the archive: ${names.join(', ')}`);
    return Buffer.from(found[1], 'base64');
  };
  return {
    path,
    names,
    read,
    json: (name) => JSON.parse(execFileSync('jq', ['.'], { input: read(name), encoding: 'utf8', maxBuffer: 1e9 })),
  };
}
