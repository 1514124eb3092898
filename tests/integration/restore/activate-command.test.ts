/** What a restore held back is turned on item by item, in transactions, as often as one likes. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { runScript } from '../../support/run-script.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { temporaryDirectory, withSql } from '../export/export-harness.ts';

let database: TestDatabase;
let folder: string;
let report: string;

const ITEMS = [
  {
    kind: 'trigger',
    name: 'public.orders.notify',
    activate_sql: 'alter table public.orders enable trigger notify',
    reason: 'would call out',
  },
  {
    kind: 'publication',
    name: 'changes',
    activate_sql: 'create publication changes for table public.orders',
    reason: 'would publish',
  },
  {
    kind: 'cron-job',
    name: 'broken',
    activate_sql: 'insert into public.orders values (1); select * from public.is_not_there',
    reason: 'would run',
  },
];

before(() => {
  folder = temporaryDirectory();
  report = join(folder, 'restore.json');
});

after(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(async () => {
  database = await createTestDatabase({ major: POSTGRES_MAJORS[0]!, template: 'empty' });
  await withSql(database.adminUrl, (sql) =>
    sql
      .unsafe(`create table public.orders (id int);
        create function public.quiet() returns trigger language plpgsql as 'begin return null; end';
        create trigger notify after insert on public.orders for each row execute function public.quiet();
        alter table public.orders disable trigger notify`)
      .simple(),
  );
  const target = { database: database.name };
  writeFileSync(report, JSON.stringify({ backup_id: 'manual_20260114_020000_9f3c11ab', target, held_back: ITEMS }));
});

afterEach(() => database.drop());

const env = () => ({ RESTORE_TARGET_URL: database.adminUrl });

/** Of the trigger, the publication, and the row that a failed item must not leave. */
function stateOf(): Promise<{ trigger: string; publications: number; rows: number }> {
  return withSql(database.adminUrl, async (sql) => {
    const [row] = await sql`
      select (select tgenabled::text from pg_trigger where tgname = 'notify') as trigger,
        (select count(*)::int from pg_publication) as publications, (select count(*)::int from public.orders) as rows`;
    return row as { trigger: string; publications: number; rows: number };
  });
}

const OFF = { trigger: 'D', publications: 0, rows: 0 };

test('--list and --dry-run change nothing and need no target; only --dry-run shows the SQL', async () => {
  const list = await runScript('activate.ts', ['--report', report, '--list'], {});
  assert.equal(list.code, 0, list.stderr);
  assert.match(list.stdout, /^trigger:public\.orders\.notify {2}would call out$/m);
  assert.doesNotMatch(list.stdout, /alter table/);
  const dry = await runScript('activate.ts', ['--report', report, '--dry-run'], env());
  assert.match(dry.stdout, /alter table public\.orders enable trigger notify/);
  assert.deepEqual(await stateOf(), OFF);
});

test('every item is a transaction of its own: the broken one leaves nothing, the others are on, and again is the same', async () => {
  const first = await runScript('activate.ts', ['--report', report, '--yes', '--json'], env());
  assert.equal(first.code, 1, first.stderr);
  const { items, error } = JSON.parse(first.stdout);
  assert.deepEqual(
    items.map((item: { state: string }) => item.state),
    ['on', 'on', 'failed'],
  );
  assert.match(items[2].detail, /is_not_there/);
  assert.equal(error.code, 'ACTIVATION_FAILED');
  assert.deepEqual(await stateOf(), { trigger: 'O', publications: 1, rows: 0 });
  const only = ['--only', 'trigger:public.orders.notify', '--only', 'publication:changes'];
  const again = await runScript('activate.ts', ['--report', report, '--yes', ...only], env());
  assert.equal(again.code, 0, again.stdout + again.stderr);
  assert.match(again.stdout, /on already +publication:changes/);
  assert.match(again.stdout, /2 items on/);
});

test('without a terminal and --yes nothing is turned on; all problems are one list', async () => {
  const { code, stdout } = await runScript('activate.ts', ['--report', report, '--only', 'trigger:x', '--json'], {});
  assert.equal(code, 2);
  const { problems } = JSON.parse(stdout).error.details;
  assert.equal(problems.length, 3, problems.join('\n'));
  assert.match(problems.join('\n'), /a target must be given[\s\S]*--yes is needed[\s\S]*--only .* got 'trigger:x'/);
  const other = await runScript('activate.ts', ['--report', import.meta.filename, '--list'], {});
  assert.equal(other.code, 2);
  assert.match(other.stderr, /--report must be the JSON report of a restore/);
  assert.deepEqual(await stateOf(), OFF);
});

test('a database that nobody answers for is exit code 4', async () => {
  const target = 'postgres://me:secret@127.0.0.1:1/x';
  const { code, stderr } = await runScript('activate.ts', ['--report', report, '--yes', '--target', target], {});
  assert.equal(code, 4, stderr);
  assert.equal(stderr.includes('secret'), false);
});
