/** Exports under attack by what users put into rows and files, and by what changes meanwhile. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { planExport } from '../../../supabase/functions/_shared/account/export/export-plan.ts';
import { streamPackage } from '../../../supabase/functions/_shared/account/export/stream-package.ts';
import type { PgSession } from '../../../supabase/functions/_shared/postgres/session.ts';
import { type Account, openZip, startAccount } from './export-harness.ts';

let account: Account;
const user = () => account.tokens.JWT_USER!;
const userId = () => account.userId('JWT_USER');
const NONE = Number.POSITIVE_INFINITY;
const PATH = '[[{"columns": ["author"], "to": {"schema": "auth", "table": "users", "columns": ["id"]}}]]';

before(async () => {
  account = await startAccount();
});
after(() => account?.close());
beforeEach(async () => {
  await account.admin`truncate backup.account_export`;
  await account.admin`delete from backup.job`;
  await account.admin`delete from public.security_events_log`;
  await account.removeFiles();
});
afterEach(async () => {
  await account.admin`delete from backup.subject_source`;
  await account.admin`delete from backup.subject_category where position = 50`;
});

/** A table of the user `author`, mapped. */
async function table(name: string, columns: string, category = 'messages'): Promise<void> {
  await account.admin.unsafe(`drop table if exists ${name}; create table ${name} (${columns})`);
  await account.admin.unsafe(`grant select on ${name} to postgres`);
  const [found] = await account.admin`
    select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = ${name}::regclass`;
  await account.admin`
    insert into backup.subject_source (schema_name, table_name, decision, category, paths)
    values (${found!.schema}, ${found!.name}, 'mapped', ${category}, ${PATH}::text::jsonb)`;
}

async function exportNow(query = ''): Promise<Response> {
  const response = await account.call(`/account/export${query}`, { token: user() });
  assert.equal(response.status, 200, await response.clone().text());
  return response;
}

const zipOf = async (context: Parameters<typeof openZip>[1]) =>
  openZip(new Uint8Array(await (await exportNow()).arrayBuffer()), context);

test('a small export is of one moment, over all its tables', async () => {
  await table('public.first_table', 'id int primary key, author uuid');
  await table('public.second_table', 'id int primary key, author uuid');
  await account.admin`insert into public.first_table values (1, ${userId()})`;
  const session = await account.means.openSession();
  const late = async () => {
    await account.admin`insert into public.first_table values (2, ${userId()}) on conflict do nothing`;
    await account.admin`insert into public.second_table values (2, ${userId()}) on conflict do nothing`;
  };
  const spied: PgSession = Object.assign(Object.create(session), {
    serverVersion: session.serverVersion,
    query: async (sql: string) => {
      if (/declare[\s\S]*second_table/.test(sql)) await late();
      return await session.query(sql);
    },
    close: () => session.close(),
  });
  const { sql, project } = account.means;
  const plan = await planExport(sql, userId());
  const chunks: Uint8Array[] = [];
  const limits = { maxBytes: NONE, maxFiles: NONE, maxRowBytes: NONE };
  const emit = async (bytes: Uint8Array) => void chunks.push(bytes.slice());
  await streamPackage({
    ...{ sql, session: spied, project, plan, format: 'json', lang: 'en', exportId: null, limits, emit },
  });
  const { data } = JSON.parse(Buffer.concat(chunks).toString());
  assert.deepEqual([data.messages['public.first_table'].length, data.messages['public.second_table'].length], [1, 0]);
  // The session is free again.
  assert.deepEqual(await session.query('show transaction_isolation'), [['read committed']]);
  await session.close();
});

describe('what users put into rows', () => {
  test('tables whose names are the same once a dot is between them both leave', async () => {
    await account.admin.unsafe('create schema if not exists "a.b"; create schema if not exists a');
    await account.admin.unsafe('grant usage on schema "a.b", a to postgres');
    await table('"a.b".c', 'id int primary key, author uuid');
    await table('a."b.c"', 'id int primary key, author uuid');
    await account.admin`insert into "a.b".c values (1, ${userId()})`;
    await account.admin`insert into a."b.c" values (2, ${userId()})`;
    const { data, metadata } = JSON.parse(await (await exportNow('?format=json')).text());
    assert.deepEqual(
      data.messages['"a.b".c'].map((row: { id: number }) => row.id),
      [1],
    );
    assert.deepEqual(
      data.messages['a."b.c"'].map((row: { id: number }) => row.id),
      [2],
    );
    const counts = metadata.categories.flatMap((one: { tables: object[] }) => one.tables);
    assert.equal(counts.filter(({ row_count }: { row_count: number }) => row_count === 1).length >= 2, true);
    await account.admin.unsafe('drop schema a cascade; drop schema "a.b" cascade');
  });

  test('columns are called as parts of our own documents are, and there are a thousand of them', async (t) => {
    const many = Array.from({ length: 1000 }, (_, n) => `"column ${n}" text default 'v${n}'`).join(', ');
    await table('public.wide', `id int primary key, author uuid, ${many}`);
    await table(
      'public.odd',
      `id int primary key, author uuid, "table" text, "table_" text, leaving text,
      subject_row text, "__proto__" text, constructor text, ctid_ text, metadata text, "a""b" text, "<b>" text, "=1+1" text`,
    );
    await account.admin`insert into public.wide (id, author) values (1, ${userId()})`;
    await account.admin`insert into public.odd values (1, ${userId()}, 't', 't_', 'l', 's', 'p', 'c', 'x', 'm', 'q', 'h', 'f')`;
    const zip = await zipOf(t);
    const text = zip.read('data/messages.json').toString();
    assert.equal(zip.json('data/messages.json')['public.wide'][0]['column 999'], 'v999');
    assert.match(text, /"table":"t","table_":"t_","leaving":"l","subject_row":"s","__proto__":"p","constructor":"c"/);
    const [head] = zip.read('data/messages.csv').toString().split('\r\n');
    const names = head!.replace('\ufeff', '').split(',');
    assert.equal(new Set(names).size, names.length, 'no column stands twice');
    assert.equal(names[0], 'table__');
    assert.ok(names.includes("'=1+1"));
    assert.doesNotMatch(zip.read('index.html').toString(), /<b>/);
  });

  test('a category has a name that JavaScript knows, and none has one that Windows does', async (t) => {
    await account.admin`insert into backup.subject_category values ('constructor', 'Builders', 50), ('files', 'My <files>', 50)`;
    await table('public.builders', 'id int primary key, author uuid', 'constructor');
    await table('public.papers', 'id int primary key, author uuid', 'files');
    const page = (await zipOf(t)).read('index.html').toString();
    assert.match(page, /Builders/);
    assert.match(page, /My &#60;files&#62;/);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    assert.equal(new Set(ids).size, ids.length, ids.join(' '));
    for (const name of ['con', 'nul', 'lpt1'])
      await assert.rejects(account.admin`insert into backup.subject_category values (${name}, 'x', 50)`, /check/);
  });

  test('JSON that has no text in PostgreSQL leaves as it is, and stops no path of anybody', async () => {
    await account.admin.unsafe(
      'drop table if exists public.raw_events; create table public.raw_events (id int primary key, payload json)',
    );
    await account.admin.unsafe('grant select on public.raw_events to postgres');
    await account.admin`
      insert into backup.subject_source (schema_name, table_name, decision, category, paths) values
      ('public', 'raw_events', 'mapped', 'messages',
       '[[{"columns": ["payload"], "key": "user", "to": {"schema": "auth", "table": "users", "columns": ["id"]}}]]')`;
    const texts = [
      '{"user": "ID", "x": "\\u0000"}',
      '{"user": "ID", "x": "\\ud800"}',
      '{"x": "\\uDE00\\ud83d", "user": "ID"}',
      '{"user": "ID", "x": "\\ud83d\\ude00"}',
      '{"user": "ID", "x": "\\\\u0000 \\\\\\" \\\\"}',
      '{"user": "ID", "x": "\\\\\\u0000"}',
      '{"user": "nobody", "x": "\\u0000"}',
    ].map((text) => text.replace('ID', userId()));
    for (const [id, text] of texts.entries()) {
      await account.admin`insert into public.raw_events values (${id}, ${text}::text::json)`;
    }
    const body = await (await exportNow('?format=json')).text();
    for (const text of texts.slice(0, 6)) assert.ok(body.includes(`"payload":${text}`), text);
    assert.equal(JSON.parse(body).data.messages['public.raw_events'].length, 6);
  });

  test('a row that no function could hold is refused with its table and size, at once and by the queue', async () => {
    await table('public.huge', 'id int primary key, author uuid, body text');
    await account.admin`insert into public.huge values (1, ${userId()}, repeat('x', 60000000))`;
    const response = await account.call('/account/export', { token: user() });
    // A megabyte of the same letter is stored in ten kilobytes: what counts is what leaves.
    assert.equal(response.status, 202);
    const { status_url } = await response.json();
    await account.work();
    const status = await (await account.call(status_url.replace('/functions/v1', ''), { token: user() })).json();
    assert.deepEqual([status.state, status.error], ['failed', 'EXPORT_TOO_LARGE']);
    assert.match(account.log.join('\n'), /public\.huge has 6\d{7} bytes/);
    await account.admin`drop table public.huge`;
  });
});

describe('what users call their files', () => {
  test('marks that turn text around, line breaks and headers are in no name and no markup', async (t) => {
    const names = [
      'in\u202evoice_fdp.exe',
      'two\r\nContent-Disposition: x\n.txt',
      '"><img src=x onerror=alert(1)>.html',
      'javascript:alert(1)',
      'x" onmouseover="alert(1)',
      '\u2067\u2028.txt',
      'style;}</style><script>1</script>',
    ];
    for (const name of names) await account.upload(userId(), { bucket: 'own', name, bytes: Buffer.from(name) });
    const response = await exportNow();
    assert.doesNotMatch(response.headers.get('content-disposition')!, /[\r\n]|own/);
    const zip = await openZip(new Uint8Array(await response.arrayBuffer()), t);
    const kept = zip.names.filter((name) => name.startsWith('files/'));
    assert.equal(kept.length, names.length);
    for (const name of kept) assert.doesNotMatch(name, /[\p{Cc}\p{Cf}\p{Zl}<>":]/u);
    assert.deepEqual(
      zip
        .json('files.json')
        .map(({ name }: { name: string }) => name)
        .sort(),
      [...names].sort(),
    );
    const page = zip.read('index.html').toString();
    assert.doesNotMatch(page, /<img|<script|onmouseover="|[\u202e\u2067\u2028]/);
    for (const [, link] of page.matchAll(/href="([^"]*)"/g)) assert.match(link!, /^(#|data\/|files\/|files\.json)/);
  });
});
