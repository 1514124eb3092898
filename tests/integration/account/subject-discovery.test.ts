/** What discovery proposes for the truth set, and for schemas that are harder to read. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  type Discovery,
  discoverSubjects,
} from '../../../supabase/functions/_shared/account/discover/discover-subjects.ts';
import { PERSON_COLUMN } from '../../../supabase/functions/_shared/account/discover/name-evidence.ts';
import { readSubjectSources } from '../../../supabase/functions/_shared/account/read-sources.ts';
import type { SubjectPath, SubjectSource } from '../../../supabase/functions/_shared/domain/subject-types.ts';
import { openDriver, type Sql } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { runScript } from '../../support/run-script.ts';
import { installSubjectTruthSet } from '../../support/subject-truth-set.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';

/** `profiles` holds the user's id as its key: by it or past it is the same path. */
function words(path: SubjectPath): string {
  const steps = path.map(({ columns, to }) => `${columns.join(',')}>${to.table}.${to.columns.join(',')}`).join(' ');
  return steps.replace('>profiles.id id>users.id', '>users.id');
}
const all = (paths: readonly SubjectPath[]) => [...new Set(paths.map(words))].sort();
const byName = (a: { table: string }, b: { table: string }) => (a.table < b.table ? -1 : 1);

async function withDatabase(work: (sql: Sql, database: TestDatabase) => Promise<void>): Promise<void> {
  const database = await createTestDatabase({ major: 17, template: 'holdfast' });
  const sql = openDriver(database.url);
  try {
    await work(sql, database);
  } finally {
    await sql.end();
    await database.drop();
  }
}

describe('discovery on the truth set', () => {
  let database: TestDatabase;
  let sql: Sql;
  let truth: SubjectSource[];
  let found: Discovery;

  before(async () => {
    database = await createTestDatabase({ major: 17, template: 'holdfast' });
    sql = openDriver(database.url);
    await installSubjectTruthSet(database.url);
    truth = (await readSubjectSources(sql)).sources.filter(({ schema }) => schema !== 'auth');
    await sql`create table decisions as select * from backup.subject_source`;
    await sql`create table rules as select * from backup.subject_column`;
    await sql`delete from backup.subject_source`;
    await sql`delete from backup.subject_column`;
    found = await discoverSubjects(sql);
  });
  after(async () => {
    await sql.end();
    await database.drop();
  });

  /** A text column without a key, and a key inside JSON, say nothing that could be proposed. */
  const ONLY_CANDIDATES = new Set(['newsletter_subscriptions', 'sms_opt_outs']);
  const INVISIBLE = new Set(['webhook_events']);

  test('finds every path, and proposes those that the owner chose', () => {
    let compared = 0;
    for (const { table, paths } of truth.filter((one) => !INVISIBLE.has(one.table))) {
      const proposal = found.proposals.find((one) => one.table === table);
      const undecided = found.undecided.find((one) => one.table === table);
      assert.equal(proposal === undefined, ONLY_CANDIDATES.has(table), table);
      const seen = all([...(proposal?.paths ?? []), ...(proposal?.otherPaths ?? []), ...(undecided?.candidates ?? [])]);
      for (const path of all(paths)) assert.ok(seen.includes(path), `${table}: ${path} is among ${seen.join(' | ')}`);
      if (proposal !== undefined && table !== 'bookings') assert.deepEqual(all(proposal.paths), all(paths), table);
      compared += paths.length;
    }
    assert.ok(compared > 30);
  });

  test('names the categories that tables are named for', () => {
    const category = (table: string) => found.proposals.find((one) => one.table === table)?.category;
    for (const table of [
      'calls',
      'messages',
      'invoices',
      'usage_events',
      'support_tickets',
      'user_consents',
      'businesses',
    ]) {
      assert.equal(category(table), truth.find((one) => one.table === table)!.category, table);
    }
  });

  test('says how sure it is: keys and policies are more than names and references', () => {
    const confidence = (table: string) => found.proposals.find((one) => one.table === table)?.confidence;
    assert.equal(confidence('addresses'), 'high');
    assert.equal(confidence('invoice_line_taxes'), 'high');
    assert.equal(confidence('usage_events'), 'medium');
    assert.equal(confidence('teams'), 'medium');
  });

  test('proposes rules for the other side of shared rows', () => {
    const rules = (table: string) =>
      found.proposals
        .find((one) => one.table === table)!
        .columns.map((one) => `${one.column} ${one.rule} ${one.unlessOwn}`)
        .sort();
    assert.deepEqual(rules('messages'), [
      'recipient_id hash recipient_id',
      'recipient_ip redact recipient_id',
      'recipient_name redact recipient_id',
      'recipient_phone redact recipient_id',
      'sender_id hash sender_id',
      'sender_phone redact sender_id',
    ]);
    assert.deepEqual(rules('addresses'), []);
  });

  test('names a partitioned table once', () => {
    assert.deepEqual(
      found.proposals.filter(({ table }) => table.startsWith('activity')).map(({ table }) => table),
      ['activity'],
    );
  });

  test('agrees with the database about which tables nobody decided about', () => {
    const known = new Set([...found.proposals, ...found.undecided].map(({ schema, table }) => `${schema}.${table}`));
    for (const { schema, table } of found.unmapped) assert.ok(known.has(`${schema}.${table}`), table);
    assert.ok(found.unmapped.length >= 29);
  });

  test('proposes nothing for what the owner decided, and builds on it', async () => {
    await sql`insert into backup.subject_source select * from decisions where table_name in ('invoices', 'moderation_queue')`;
    const again = await discoverSubjects(sql);
    assert.equal(
      again.proposals.some(({ table }) => table === 'invoices' || table === 'moderation_queue'),
      false,
    );
    assert.ok(again.proposals.some(({ table }) => table === 'invoice_lines'));
    assert.deepEqual(
      [...again.decided].sort(byName).map(({ table }) => table),
      ['invoices', 'moderation_queue'],
    );
    await sql`delete from backup.subject_source`;
  });

  test('runs as a command: dry unless told to write, then only what has no decision', async () => {
    const env = { DATABASE_URL: database.url };
    await sql`insert into backup.subject_source select * from decisions where table_name = 'messages'`;
    await sql`drop table decisions, rules`;
    const dry = await runScript('discover-subjects.ts', [], env);
    assert.equal(dry.code, 3, dry.stderr);
    assert.match(dry.stdout, /public\.invoice_line_taxes .*invoice_id, line_no -> public\.invoice_lines/);
    assert.match(dry.stdout, /public\.sms_opt_outs: phone may be a user's or anybody's/);
    assert.match(dry.stdout, /--apply writes them/);
    assert.equal((await sql`select from backup.subject_source`).count, 1);

    const applied = await runScript('discover-subjects.ts', ['--apply', '--json'], env);
    assert.equal(applied.code, 3, applied.stderr);
    const outcome = JSON.parse(applied.stdout);
    assert.deepEqual(outcome.open.map((one: { table: string }) => one.table).sort(), [
      'newsletter_subscriptions',
      'sms_opt_outs',
    ]);
    assert.equal(
      outcome.written.some((one: { table: string }) => one.table === 'messages'),
      false,
    );
    assert.deepEqual([...(await sql`select * from backup.subject_column where table_name = 'messages'`)], []);
    // What it wrote is what the reader takes.
    assert.ok((await readSubjectSources(sql)).sources.length > 30);

    await sql`insert into backup.subject_source (schema_name, table_name, decision)
      values ('public', 'newsletter_subscriptions', 'excluded'), ('public', 'sms_opt_outs', 'excluded')`;
    const done = await runScript('discover-subjects.ts', [], env);
    assert.equal(done.code, 0, done.stdout);
    assert.match(done.stdout, /Nothing to write/);
  });
});

test('the command says what it needs and never shows a password', async () => {
  const help = await runScript('discover-subjects.ts', ['--help'], {});
  assert.equal(help.code, 0);
  assert.match(help.stdout, /Examples:[\s\S]*Exit codes:/);
  const none = await runScript('discover-subjects.ts', [], {});
  assert.equal(none.code, 2);
  assert.match(none.stderr, /DATABASE_URL/);
  const wrong = await runScript('discover-subjects.ts', ['--json'], {
    DATABASE_URL: 'postgresql://u:hidden-word@127.0.0.1:1/x',
  });
  assert.equal(wrong.code, 4);
  assert.doesNotMatch(wrong.stdout + wrong.stderr, /hidden-word/);
});

test('only handlers, makers and foreign addresses are left to the owner', async () => {
  await withDatabase(async (sql) => {
    await sql.unsafe(`
      create table products (id integer primary key, created_by uuid references auth.users);
      create table stock (id integer primary key, product_id integer references products);
      create table incidents (id integer primary key, resolved_by uuid references auth.users);
      create table leads (id integer primary key, email text);
      create table a (id integer primary key, u uuid references auth.users);
      create table b (id integer primary key, u uuid references auth.users);
      create table ab (a_id integer references a, b_id integer references b);
      create table ab_details (id integer primary key, ab_id integer);
      create table rooms (id integer primary key, secret_of uuid);
      alter table rooms enable row level security;
      create policy p on rooms using ((select auth.uid()) = secret_of);
      create table letters (id integer primary key, box integer references rooms on delete cascade);
      create table by_claim (id integer primary key, org text);
      alter table by_claim enable row level security;
      create policy p on by_claim using (org = (auth.jwt() ->> 'org'));`);
    const { proposals, undecided, nothingFound } = await discoverSubjects(sql);
    const why = Object.fromEntries(undecided.map((one) => [one.table, one.why]));
    assert.match(why.stock!, /public\.products, which need not make it theirs/);
    assert.match(why.incidents!, /handled/);
    assert.match(why.leads!, /anybody/);
    assert.match(why.ab!, /public\.a, public\.b/);
    assert.match(why.by_claim!, /policies/);
    assert.deepEqual(proposals.map(({ table }) => table).sort(), ['a', 'b', 'letters', 'products', 'rooms']);
    assert.deepEqual(all(proposals.find(({ table }) => table === 'letters')!.paths), [
      'box>rooms.id secret_of>users.id',
    ]);
    assert.deepEqual(nothingFound, [{ schema: 'public', table: 'ab_details' }]);
  });
});

test('unmapped tables are found along cycles, partitions and names, and Holdfast and the platform are not among them', async () => {
  await withDatabase(async (sql) => {
    const unmapped = async () =>
      (await sql`select * from backup.unmapped_subject_tables()`).map(
        (row) => `${row.schema_name}.${row.table_name}: ${row.path}`,
      );
    assert.deepEqual(await unmapped(), []);
    await sql.unsafe(`
      create table x (id integer primary key, y_id integer);
      create table y (id integer primary key, x_id integer references x, user_id uuid references auth.users);
      alter table x add foreign key (y_id) references y;
      create table part (id integer, at date, x_id integer references x) partition by range (at);
      create table part_1 partition of part default;
      create table only_part (id integer, at date) partition by range (at);
      create table only_part_1 partition of only_part default;
      alter table only_part_1 add foreign key (id) references y;
      create table named (id integer, "Owner_ID" uuid);
      create table free (id integer, colour uuid);
      create schema cron_jobs; create table cron_jobs.z (user_id uuid);`);
    assert.deepEqual(await unmapped(), [
      'cron_jobs.z: user_id (by its name)',
      `public.named: "Owner_ID" (by its name)`,
      'public.only_part: id -> public.y; user_id -> auth.users',
      'public.part: x_id -> public.x; y_id -> public.y; user_id -> auth.users',
      'public.x: y_id -> public.y; user_id -> auth.users',
      'public.y: user_id -> auth.users',
    ]);
    await sql`insert into backup.subject_source (schema_name, table_name, decision) values ('public', 'x', 'excluded')`;
    assert.equal(
      (await unmapped()).some((text) => text.startsWith('public.x:')),
      false,
    );
    assert.equal(
      (await unmapped()).some((text) => text.startsWith('public.part:')),
      true,
    );
  });
});

test('the database and the discovery know the same names', async () => {
  await withDatabase(async (sql) => {
    const [row] = await sql`select prosrc from pg_proc where proname = 'unmapped_subject_tables'`;
    const pattern = /~ '(\^\(auth_[^']+)'/.exec(row!.prosrc as string)?.[1];
    assert.equal(pattern, PERSON_COLUMN.source);
  });
});
