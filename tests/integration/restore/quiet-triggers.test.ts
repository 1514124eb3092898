/** A restore that erases again runs no trigger of the owner, and leaves every trigger as it was. */
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { entryKey, entryText, sha256Of } from '../../../supabase/functions/_shared/archive/erasure-entry-file.ts';
import { type ErasureEntry, marksOf } from '../../../supabase/functions/_shared/domain/erasure-entry.ts';
import type { SubjectPath } from '../../../supabase/functions/_shared/domain/subject-types.ts';
import { TOOL } from '../../../supabase/functions/_shared/domain/tool.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import { replayErasures } from '../../../supabase/functions/_shared/restore/replay-erasures.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { withSql } from '../export/export-harness.ts';

const PERSON = { id: '5eed0000-0000-4000-a000-000000000001', email: 'p1@example.com', phone: null };
const databases: TestDatabase[] = [];
let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase({ major: 17, template: 'supabase' });
  databases.push(database);
  await withSql(database.adminUrl, (sql) =>
    sql.unsafe(`
      insert into auth.users (id, email, aud, role)
      select ('5eed0000-0000-4000-a000-' || lpad(n::text, 12, '0'))::uuid, 'p' || n || '@example.com', 'authenticated', 'authenticated'
      from generate_series(1, 3) as n;
      create function public.tell() returns trigger language plpgsql as $$ begin
        insert into public.told values (tg_name || ' on ' || tg_table_name); return coalesce(new, old); end $$;
      create function public.refuse() returns trigger language plpgsql as $$ begin
        raise exception 'rows of % stay', tg_table_name; end $$;
      create table public.told (what text);
      grant all on public.told to postgres;`),
  );
  await withSql(database.url, (sql) =>
    sql.unsafe(`
      create table public.letters (user_id uuid not null, sent date not null) partition by range (sent);
      create table public.letters_old partition of public.letters for values from ('2025-01-01') to ('2026-01-01');
      create table public.letters_new partition of public.letters for values from ('2026-01-01') to ('2027-01-01');
      create table public.notes (id int primary key, user_id uuid not null);
      create table public.replies (note int references public.notes on delete cascade deferrable initially deferred);
      insert into public.letters select id, date '2025-06-01' from auth.users union all select id, '2026-06-01' from auth.users;
      insert into public.notes select row_number() over (), id from auth.users;
      insert into public.replies select id from public.notes;
      create trigger tell after delete on public.letters for each row execute function public.tell();
      create trigger statement after delete on public.letters for each statement execute function public.tell();
      create trigger off after delete on public.letters for each row execute function public.tell();
      create trigger for_replicas after delete on public.letters for each row execute function public.tell();
      create trigger added after insert on public.notes for each row execute function public.tell();
      create trigger refuse before delete on public.notes for each row execute function public.refuse();
      create constraint trigger later after delete on public.replies deferrable initially deferred
        for each row execute function public.refuse();
      alter table public.letters disable trigger off;
      alter table public.letters enable replica trigger for_replicas;
      alter table public.letters_new disable trigger tell;
      alter table public.notes enable always trigger refuse`),
  );
});
after(async () => {
  for (const created of databases) await created.drop();
});

const to = (columns: string[], end: string): SubjectPath => [
  { columns, to: { schema: 'auth', table: 'users', columns: [end] } },
];

async function replay(url: string) {
  const rest = { action: 'delete' as const, columns: [], unlink: [], keep: null };
  const actions = [
    { ...rest, schema: 'public', table: 'letters', paths: [to(['user_id'], 'id')] },
    { ...rest, schema: 'public', table: 'notes', paths: [to(['user_id'], 'id')] },
    { ...rest, schema: 'auth', table: 'users', paths: [to(['id'], 'id')] },
  ];
  const entry: ErasureEntry = {
    version: 1,
    erasure_id: '00000000-0000-4000-8000-000000000001',
    position: 1,
    previous_sha256: null,
    subject: marksOf(
      PERSON,
      actions.flatMap((one) => one.paths),
    ),
    erased_at: '2026-02-01T00:00:00.000Z',
    actions,
    files: { folderBuckets: [] },
    tool: TOOL,
  };
  const text = entryText(entry);
  const entries = [{ key: entryKey(entry), entry, text, sha256: sha256Of(text), signed: false }];
  const ledger = { location: 'a store', entries, problems: [], signaturesChecked: false };
  const session = await openSession(nodePlatform, url, { applicationName: 'test' });
  try {
    const source = { kind: 'ledger', ledger, allowDamaged: false } as const;
    const options = { tables: null, schemas: null, renameSchema: null };
    const scope = { plan: { tables: [], partitioned: [] }, options, takenAt: '2026-01-01T00:00:00Z' };
    return (await replayErasures(session, source, scope)).check;
  } finally {
    await session.close();
  }
}

const list = (query: string) =>
  withSql(database.adminUrl, async (sql) => (await sql.unsafe(query).values()).map(([text]) => String(text)));
const triggers = () =>
  list(
    `select tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text from pg_trigger where not tgisinternal order by 1`,
  );

for (const by of ['url', 'adminUrl'] as const) {
  test(`rows go by ${by === 'url' ? 'their owner' : 'a superuser'} and no trigger tells, refuses or is changed`, async () => {
    const before = await triggers();
    const check = await replay(database[by]);
    assert.equal(check.verdict, 'passed', JSON.stringify(check));
    assert.deepEqual(await list('select what from public.told'), []);
    assert.deepEqual(await triggers(), before);
    const left = ['letters', 'notes', 'replies'].map((table) => `select '${table} ' || count(*) from public.${table}`);
    assert.deepEqual(await list(left.join(' union all ')), ['letters 4', 'notes 2', 'replies 2']);
  });
}

test("a trigger on the platform's tables runs, and the report names it", async () => {
  await withSql(database.adminUrl, (sql) =>
    sql.unsafe('create trigger gone after delete on auth.users for each row execute function public.tell()'),
  );
  const check = await replay(database.url);
  assert.equal(check.verdict, 'passed', JSON.stringify(check));
  assert.deepEqual(await list('select what from public.told'), ['gone on users']);
  assert.match(check.findings.join('\n'), /may not turn off ran: gone on auth\.users$/m);
});

test('a replay that fails leaves the triggers as they were', async () => {
  await withSql(database.url, (sql) =>
    sql.unsafe(`create table public.holds (user_id uuid references auth.users);
      insert into public.holds select id from auth.users`),
  );
  const before = await triggers();
  assert.equal((await replay(database.url)).verdict, 'failed');
  assert.deepEqual(await triggers(), before);
  assert.deepEqual(await list('select count(*) from public.letters'), ['6']);
});
