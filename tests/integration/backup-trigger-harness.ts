/** backup-trigger over a real database with our migrations, the stand-in of the Auth server, and a store in memory. */
import { randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import postgres, { type Sql } from 'postgres';
import { type ApiKeys, makeApiKeys } from '../../scripts/dev/stack/api-keys.ts';
import { authApi } from '../../scripts/dev/stack/auth-api.ts';
import { makeStackUsers } from '../../scripts/dev/stack/stack-users.ts';
import { createAuthenticator } from '../../supabase/functions/_shared/http/authenticate.ts';
import { createLogger } from '../../supabase/functions/_shared/log.ts';
import { openDriver } from '../../supabase/functions/_shared/postgres/open-driver.ts';
import { createMemoryStore } from '../../supabase/functions/_shared/stores/memory-store.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { createApp } from '../../supabase/functions/backup-trigger/app.ts';
import { createTestDatabase } from '../support/template-database.ts';

const SUPABASE_URL = 'http://project.example';
export const FUNCTIONS_URL = 'http://project.example/functions/v1';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers; openapi tests hold them against their schemas.
  readonly body: any;
}

export interface Trigger {
  /** As role postgres; the functions' own connection. */
  readonly sql: Sql;
  readonly admin: Sql;
  readonly keys: ApiKeys;
  /** Access tokens: JWT_ADMIN, JWT_DEVELOPER, JWT_SUPPORT, JWT_USER. */
  readonly tokens: Record<string, string>;
  /** auth.users.id of a token's user. */
  userId(token: 'JWT_ADMIN' | 'JWT_DEVELOPER' | 'JWT_SUPPORT' | 'JWT_USER'): string;
  readonly log: string[];
  call(path: string, options?: CallOptions): Promise<Answered>;
  /** As an operator with the service key. */
  get(path: string): Promise<Answered>;
  post(path: string, body?: unknown): Promise<Answered>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: BodyInit;
}

export async function startTrigger(options: { store?: Store; configured?: boolean } = {}): Promise<Trigger> {
  const database = await createTestDatabase({ major: 17, template: 'holdfast' });
  const sql = openDriver(database.url, { max: 1, applicationName: 'backup-trigger tests' });
  const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  const keys = await makeApiKeys();
  const auth = authApi({ sql: admin, keys, issuer: () => `${SUPABASE_URL}/auth/v1` });
  const tokens = await makeStackUsers(admin, { keys, issuer: `${SUPABASE_URL}/auth/v1` });
  if (options.configured ?? true) await sql`select backup.configure(${FUNCTIONS_URL})`;
  const log: string[] = [];
  const store = options.store ?? createMemoryStore();
  const authenticate = createAuthenticator({
    supabaseUrl: SUPABASE_URL,
    anonKey: keys.anonKey,
    serviceKeys: [keys.serviceRoleKey, keys.secretKey],
    fetch: async (input, init) => auth.fetch(new Request(input, init)),
  });
  const app = createApp({
    surroundings: () => ({ sql, store: () => store, authenticate }),
    log: createLogger((line) => log.push(line)),
  });
  const call = async (path: string, { method = 'GET', headers = {}, body }: CallOptions = {}): Promise<Answered> => {
    const response = await app.fetch(
      new Request(`http://edge.example${path}`, { method, headers, body, ...(body ? { duplex: 'half' } : {}) }),
    );
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
  };
  const apikey = keys.serviceRoleKey;
  return {
    sql,
    admin,
    keys,
    tokens,
    userId: (token) => decodeJwt(tokens[token]!).sub!,
    log,
    call,
    get: (path) => call(path, { headers: { apikey } }),
    post: (path, body) =>
      call(path, {
        method: 'POST',
        headers: { apikey, 'content-type': 'application/json' },
        body: JSON.stringify(body ?? {}),
      }),
    async close() {
      await sql.end({ timeout: 5 });
      await admin.end({ timeout: 5 });
      await database.drop();
    },
  };
}

export interface RunFacts {
  readonly cadence?: string;
  readonly status?: string;
  readonly stage?: string;
  readonly startedAt?: string;
  readonly folder?: string;
  readonly manifestSha256?: string;
}

/** A run as it stands in the ledger at some moment of its life. */
export async function insertRun(sql: Sql, facts: RunFacts = {}): Promise<string> {
  const cadence = facts.cadence ?? 'manual';
  const id = `${cadence}_20260114_020000_${randomUUID().slice(0, 8)}`;
  const status = facts.status ?? 'completed';
  await sql`
    insert into public.backup_log
      (backup_id, backup_type, reason, started_at, status, stage, request, folder, manifest_sha256, completed_at)
    values (${id}, ${cadence}, 'test', ${facts.startedAt ?? '2026-01-14T02:00:00Z'}, ${status},
            ${facts.stage ?? (status === 'in_progress' ? 'copying' : 'done')}, '{"scope": "full"}',
            ${facts.folder ?? null}, ${facts.manifestSha256 ?? null},
            ${status === 'in_progress' ? null : '2026-01-14T02:10:00Z'})`;
  return id;
}
