/** Large exports while the owner maps and excludes tables, changes rules and columns: what leaves is of one plan. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { ERRORS } from '../../../supabase/functions/_shared/errors.ts';
import { createMemoryStore } from '../../../supabase/functions/_shared/stores/memory-store.ts';
import type { Store } from '../../../supabase/functions/_shared/stores/store.ts';
import { type Account, openZip, startAccount } from './export-harness.ts';

const TABLES = ['aaa', 'mmm', 'zzz'];
const PATH = '[[{"columns": ["author"], "to": {"schema": "auth", "table": "users", "columns": ["id"]}}]]';

let account: Account;
let storeWorks = true;
const user = () => account.tokens.JWT_USER!;
const path = (url: string) => url.replace('/functions/v1', '');

before(async () => {
  const store = createMemoryStore();
  const failing: Store = Object.assign(Object.create(store), {
    openWriter(...args: Parameters<Store['openWriter']>) {
      if (!storeWorks) throw ERRORS.STORE_UNREACHABLE('the store is away');
      return store.openWriter(...args);
    },
  });
  account = await startAccount({ store: failing });
  await account.admin`update backup.setting set value = '20000' where name = 'account_export_slice_bytes'`;
  await account.admin`update backup.setting set value = '10' where name = 'account_export_stream_rows'`;
});
after(() => account?.close());
beforeEach(async () => {
  storeWorks = true;
  for (const name of TABLES) {
    await account.admin.unsafe(`create table ${name} (id int primary key, author uuid, body text)`);
    await account.admin.unsafe(`grant select on ${name} to postgres`);
    await account.admin.unsafe(
      `insert into ${name} select n, $1, md5(n::text || '${name}') || repeat('x', 200) from generate_series(1, 300) n`,
      [account.userId('JWT_USER')],
    );
  }
});
afterEach(async () => {
  await account.admin`truncate backup.account_export`;
  await account.admin`delete from backup.job`;
  await account.admin`delete from backup.subject_column`;
  await account.admin`delete from backup.subject_source`;
  await account.removeFiles();
  for (const name of TABLES) await account.admin.unsafe(`drop table ${name}`);
});

const map = async (...names: string[]) => {
  for (const name of names) {
    await account.admin`
      insert into backup.subject_source (schema_name, table_name, decision, category, paths)
      values ('public', ${name}, 'mapped', 'messages', ${PATH}::text::jsonb)`;
  }
};
const unmap = async (name: string) =>
  await account.admin`delete from backup.subject_source where schema_name = 'public' and table_name = ${name}`;
const setRule = (table: string, column: string, rule: string) => account.admin`
  insert into backup.subject_column (schema_name, table_name, column_name, rule) values ('public', ${table}, ${column}, ${rule})`;

interface Begun {
  readonly export_id: string;
  readonly status_url: string;
  readonly download_url: string;
}

async function start(): Promise<Begun> {
  const response = await account.call('/account/export', { token: user() });
  assert.equal(response.status, 202, await response.clone().text());
  return await response.json();
}

async function progress() {
  const [row] = await account.admin`select progress from backup.job where kind = 'account_export'`;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into the state.
  return row!.progress as any;
}

/** Slices until some rows of the table, not all, are written. */
async function workIntoTable(name: string): Promise<void> {
  for (let slices = 0; slices < 200; slices++) {
    assert.equal(await account.work(1), 1, account.log.join('\n'));
    const { tables, cursor } = await progress();
    if (tables?.at(-1)?.table === `public.${name}` && cursor !== null) return;
  }
  assert.fail(`${name} was never in the middle`);
}

/** The ZIP holds the tables as SQL has them now, once each and no others, and its counts say so. */
async function assertExported(t: Parameters<typeof openZip>[1], begun: Begun, tables: readonly string[]) {
  await account.work();
  const status = await (await account.call(path(begun.status_url), { token: user() })).json();
  assert.equal(status.state, 'ready', `${JSON.stringify(status)}\n${account.log.join('\n')}`);
  const download = await account.call(path(begun.download_url), { token: user() });
  const zip = await openZip(new Uint8Array(await download.arrayBuffer()), t);
  const text = zip.read('data/messages.json').toString();
  assert.deepEqual(
    [...text.matchAll(/^"(public\.\w+)": \[/gm)].map(([, label]) => label),
    tables.map((name) => `public.${name}`),
  );
  const expected = [];
  for (const name of tables) {
    const rows = await account.admin.unsafe(`select row_to_json(x)::text as row from ${name} x order by id`);
    expected.push(`"public.${name}": [\n${rows.map(({ row }) => row).join(',\n')}\n]`);
  }
  assert.equal(text, `{\n${expected.join(',\n')}\n}\n`);
  const lines = zip.read('data/messages.csv').toString().trimEnd().split('\r\n');
  assert.equal(lines.length, 1 + 300 * tables.length);
  const metadata = zip.json('metadata.json');
  const messages = metadata.categories.find(({ name }: { name: string }) => name === 'messages');
  assert.deepEqual(
    messages.tables.map(({ table, row_count }: { table: string; row_count: number }) => [table, row_count]),
    tables.map((name) => [`public.${name}`, 300]),
  );
  const others = metadata.categories.filter(({ name }: { name: string }) => name !== 'messages');
  const otherRows = others.reduce((sum: number, { row_count }: { row_count: number }) => sum + row_count, 0);
  assert.equal(metadata.row_count, 300 * tables.length + otherRows);
  assert.match(zip.read('index.html').toString(), /public\.mmm/);
  return zip;
}

/** Nothing is stored but the parts that the export is made of. */
async function assertNoOldParts({ export_id }: Begun): Promise<void> {
  const [row] = await account.admin`select layout from backup.account_export where id = ${export_id}`;
  const stored = [];
  for await (const { key } of account.store.list(`exports/${export_id}/`)) stored.push(key);
  const named = (row!.layout.parts as { name: string }[]).map(({ name }) => `exports/${export_id}/${name}.part`);
  assert.deepEqual(stored.sort(), named.sort());
}

test('a table that is mapped before the one that is being read is in it, and that one is there once', async (t) => {
  await map('mmm', 'zzz');
  const begun = await start();
  await workIntoTable('mmm');
  assert.ok((await progress()).parts.length > 0);
  await map('aaa');
  await assertExported(t, begun, ['aaa', 'mmm', 'zzz']);
  await assertNoOldParts(begun);
});

test('a table that is excluded before the one that is being read takes nothing of that one with it', async (t) => {
  await map('aaa', 'mmm', 'zzz');
  const begun = await start();
  await workIntoTable('mmm');
  await account.admin`update backup.subject_source set decision = 'excluded' where table_name = 'aaa'`;
  await assertExported(t, begun, ['mmm', 'zzz']);
});

test('the table that is being read may be excluded itself', async (t) => {
  await map('aaa', 'mmm', 'zzz');
  const begun = await start();
  await workIntoTable('zzz');
  await unmap('zzz');
  await assertExported(t, begun, ['aaa', 'mmm']);
});

test('a rule or a column that comes in the middle of a table holds for all of its rows', async (t) => {
  await map('mmm');
  const ruled = await start();
  await workIntoTable('mmm');
  await setRule('mmm', 'body', 'redact');
  await account.work();
  const download = await account.call(path(ruled.download_url), { token: user() });
  const zip = await openZip(new Uint8Array(await download.arrayBuffer()), t);
  const bodies = zip.json('data/messages.json')['public.mmm'].map(({ body }: { body: string }) => body);
  assert.deepEqual([bodies.length, ...new Set(bodies)], [300, '[redacted]']);
  await account.admin`truncate backup.account_export`;
  await account.admin`delete from backup.subject_column`;
  const widened = await start();
  await workIntoTable('mmm');
  await account.admin`alter table mmm add column late text default 'l'`;
  const { read } = await assertExported(t, widened, ['mmm']);
  assert.match(read('data/messages.csv').toString(), /^\ufeffid,author,body,late\r\n/);
});

test('what is excluded while files are copied does not leave', async (t) => {
  await map('aaa', 'mmm');
  for (const name of ['one', 'two', 'three']) {
    await account.upload(account.userId('JWT_USER'), { bucket: 'b', name, bytes: Buffer.alloc(100_000, name) });
  }
  const begun = await start();
  while ((await progress()).phase !== 'files') assert.equal(await account.work(1), 1);
  await unmap('aaa');
  const zip = await assertExported(t, begun, ['mmm']);
  assert.equal(zip.names.filter((name) => name.startsWith('files/b/')).length, 3);
});

test('a change that is taken back before it was met, and one that only an erasure reads, cost nothing', async (t) => {
  await map('mmm', 'zzz');
  const begun = await start();
  await workIntoTable('mmm');
  const { rowCount } = await progress();
  await map('aaa');
  await unmap('aaa');
  await account.admin`update backup.subject_source set erase = 'anonymise' where table_name = 'zzz'`;
  await account.work(1);
  assert.ok((await progress()).rowCount > rowCount);
  assert.equal((await progress()).restarts, 0);
  await assertExported(t, begun, ['mmm', 'zzz']);
});

test('a slice that dies while it begins again has deleted nothing that the export may still need', async (t) => {
  await map('mmm', 'zzz');
  const begun = await start();
  await workIntoTable('mmm');
  const { rowCount } = await progress();
  await map('aaa');
  storeWorks = false;
  await account.work(1);
  storeWorks = true;
  assert.equal((await progress()).rowCount, rowCount, 'nothing was saved');
  await account.admin`update backup.job set not_before = now() where state = 'pending'`;
  await unmap('aaa');
  await assertExported(t, begun, ['mmm', 'zzz']);
});

test('an export that was begun before states knew their plan begins again', async (t) => {
  await map('mmm', 'zzz');
  const begun = await start();
  await workIntoTable('mmm');
  await account.admin`
    update backup.job set progress = progress - 'planDigest' - 'restarts' - 'stale' where kind = 'account_export'`;
  await map('aaa');
  await assertExported(t, begun, ['aaa', 'mmm', 'zzz']);
  await assertNoOldParts(begun);
});

test('a plan that never rests ends the export with an error that says so', async () => {
  await map('mmm');
  const { status_url } = await start();
  for (let change = 0; change <= 11; change++) {
    await account.work(1);
    await account.admin.unsafe(`alter table mmm add column more_${change} int`);
  }
  const status = await (await account.call(path(status_url), { token: user() })).json();
  assert.deepEqual([status.state, status.error], ['failed', 'EXPORT_PLAN_CHANGED']);
});
