/** 200 users in 30 tables: every export holds exactly its user's rows and files, byte for byte against SQL. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { planExport } from '../../../supabase/functions/_shared/account/export/export-plan.ts';
import { streamPackage } from '../../../supabase/functions/_shared/account/export/stream-package.ts';
import {
  installSubjectTruthSet,
  TRUTH_TABLES,
  TRUTH_USERS,
  type TruthTable,
  type TruthUser,
  truthFiles,
  truthQuery,
  truthUser,
} from '../../support/subject-truth-set.ts';
import { type Account, openZip, startAccount } from './export-harness.ts';

let account: Account;
before(async () => {
  account = await startAccount();
  await installSubjectTruthSet(account.database.url);
});
after(() => account?.close());

const none = Number.POSITIVE_INFINITY;
const NO_LIMITS = { maxBytes: none, maxFiles: none, maxRowBytes: none };
const contentOf = (bucket: string, name: string) => `the bytes of ${bucket}/${name}`;

/** Storage that has every object, with content that tells which one it is. */
const storage = (async (input: string | URL | Request) => {
  const path = new URL(String(input)).pathname.replace('/storage/v1/object/authenticated/', '');
  const [bucket, ...name] = path.split('/').map(decodeURIComponent);
  const bytes = Buffer.from(contentOf(bucket!, name.join('/')));
  return new Response(bytes, { headers: { 'content-length': String(bytes.length) } });
}) as typeof fetch;

/** The rows of one table as SQL has them, each as its JSON text. */
async function expectedRows(table: TruthTable, user: TruthUser): Promise<string[]> {
  const rows = await account.sql.unsafe(`select row_to_json(q)::text as row from (${truthQuery(table, user)}) q`);
  return rows.map(({ row }) => row as string);
}

async function assertSameRows(document: string, user: TruthUser): Promise<number> {
  let count = 0;
  for (const table of TRUTH_TABLES) {
    const label = `${table.schema}.${table.table}`;
    const rows = await expectedRows(table, user);
    const begin = document.indexOf(`\n${JSON.stringify(label)}: [`);
    assert.notEqual(begin, -1, `${user.email}: ${label} is missing`);
    // In the order in which the export has them: what is compared is every byte between the brackets.
    const last = new Map<string, number>();
    const placed = rows.map((row) => {
      const at = document.indexOf(`\n${row}`, last.get(row) ?? begin);
      last.set(row, at + 1); // the same row may be there twice
      return { row, at };
    });
    placed.sort((a, b) => a.at - b.at);
    const body = placed.length === 0 ? ']' : `\n${placed.map(({ row }) => row).join(',\n')}\n]`;
    const from = begin + `\n${JSON.stringify(label)}: [`.length;
    assert.equal(document.slice(from, from + body.length), body, `${user.email}: ${label}`);
    count += rows.length;
  }
  return count;
}

test('every user gets exactly their rows, and none of anyone else', { timeout: 400_000 }, async () => {
  let total = 0;
  const session = await account.means.openSession();
  try {
    for (let n = 1; n <= TRUTH_USERS; n++) {
      const user = truthUser(n);
      const plan = await planExport(account.sql, user.id);
      const chunks: Uint8Array[] = [];
      const state = await streamPackage({
        ...{ sql: account.sql, session, plan, format: 'json', lang: 'en', exportId: null, limits: NO_LIMITS },
        project: { ...account.means.project, fetch: storage },
        emit: async (bytes) => void chunks.push(bytes),
      });
      const document = Buffer.concat(chunks).toString('utf8');
      JSON.parse(document);
      const count = await assertSameRows(document, user);
      assert.equal(state.rowCount, count, user.email);
      total += count;
    }
  } finally {
    await session.close();
  }
  assert.ok(total > TRUTH_USERS * 20, `${total} rows`);
});

test('the ZIPs of every tenth user hold their files under names that are harmless', { timeout: 400_000 }, async (t) => {
  const session = await account.means.openSession();
  t.after(() => session.close());
  let fileCount = 0;
  for (let n = 3; n <= TRUTH_USERS; n += 10) {
    const user = truthUser(n);
    const plan = await planExport(account.sql, user.id);
    const chunks: Uint8Array[] = [];
    await streamPackage({
      ...{ sql: account.sql, session, plan, format: 'zip', lang: 'de', exportId: null, limits: NO_LIMITS },
      project: { ...account.means.project, fetch: storage },
      emit: async (bytes) => void chunks.push(bytes.slice()),
    });
    const zip = await openZip(Buffer.concat(chunks), t);
    const expected = await account.admin.unsafe(
      `select bucket_id as bucket, name from storage.objects o where ${truthFiles(user)}`,
    );
    const listed = zip.json('files.json') as { path: string; bucket: string; name: string }[];
    const key = ({ bucket, name }: { bucket: string; name: string }) => JSON.stringify([bucket, name]);
    const metadata = zip.json('metadata.json');
    const leftOut = metadata.left_out_files as { bucket: string; name: string; reason: string }[];
    // A URL cannot name these: it would lead to another file.
    assert.ok(
      leftOut.every(({ name, reason }) => reason === 'refused' && /(^|\/)\.\.?(\/|$)/.test(name)),
      JSON.stringify(leftOut),
    );
    assert.deepEqual(
      [...listed, ...leftOut].map(key).sort(),
      (expected as unknown as typeof listed).map(key).sort(),
      user.email,
    );
    assert.equal(new Set(listed.map(({ path }) => path.toLowerCase())).size, listed.length);
    for (const { path } of listed.slice(0, 2))
      assert.ok(!path.includes('..') && !path.startsWith('/') && !path.includes('\\'), path);
    for (const { path, bucket, name } of listed) assert.equal(zip.read(path).toString(), contentOf(bucket, name));
    fileCount += listed.length;
    const documents = plan.categories.map(({ name }) => zip.read(`data/${name}.json`).toString());
    assert.equal(await assertSameRows(`\n${documents.join('\n')}`, user), metadata.row_count);
  }
  assert.ok(fileCount > 0);
});

test('over HTTP a user gets the same', async (t) => {
  const user = truthUser(7);
  const response = await account.call('/account/export', { token: await account.tokenFor(user) });
  assert.equal(response.status, 200, await response.clone().text());
  const zip = await openZip(new Uint8Array(await response.arrayBuffer()), t);
  const documents = zip.names.filter((name) => /^data\/.*\.json$/.test(name)).map((name) => zip.read(name).toString());
  assert.equal(await assertSameRows(`\n${documents.join('\n')}`, user), zip.json('metadata.json').row_count);
});
