/** What the next attempt of a restore makes of one that failed or was stopped. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { comparePgDump } from '../../../scripts/dev/oracle/dump-digest.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import type {
  RestoreEvent,
  RestoreOptions,
  RestoreReport,
} from '../../../supabase/functions/_shared/restore/contracts.ts';
import { restoreDatabase } from '../../../supabase/functions/_shared/restore/restore-database.ts';
import { withSql } from '../export/export-harness.ts';
import { RoundTrip } from '../export/round-trip-databases.ts';
import { type MadeBackup, makeBackup, restore, WHOLE } from './restore-harness.ts';

/** Post-data: constraints, one with a comment, an index, and two keys, one with a comment. */
const SCHEMA = `
  create table public.places (id int primary key);
  create table public.visits (id int primary key, place int constraint visits_place references public.places, unique (place, id));
  create table public.notes (id int, visit int constraint notes_visit references public.visits);
  create index on public.notes (id);
  comment on constraint notes_visit on public.notes is 'where it was written';
  comment on constraint places_pkey on public.places is 'a constraint of its own';
  insert into public.places values (1); insert into public.visits values (1, 1); insert into public.notes values (1, 1);`;

let round: RoundTrip;
let source: string;
let backup: MadeBackup;
let target: string;
let events: RestoreEvent[];
let made = 0;

before(async () => {
  round = await RoundTrip.begin(17);
  source = await round.plainDatabase('source_of_attempts', SCHEMA);
  backup = await makeBackup(source, round);
});

beforeEach(async () => {
  target = await round.plainDatabase(`attempt_${made++}`);
  events = [];
});

after(() => round.end());

const unvalidated = () =>
  withSql(target, async (sql) => {
    const rows = await sql`select conname from pg_constraint where contype = 'f' and not convalidated`;
    return rows.map(({ conname }) => conname);
  });

/** Stops when `isMoment` says so of an event; one session, so that nothing else is on its way then. */
async function stoppedAt(
  isMoment: (event: RestoreEvent) => boolean,
  options: Partial<RestoreOptions> = {},
  from = backup,
): Promise<RestoreReport> {
  const stop = new AbortController();
  const means = { platform: nodePlatform, targetUrl: target, archive: await from.open() };
  const onEvent = (event: RestoreEvent) => {
    events.push(event);
    if (isMoment(event)) stop.abort(new Error('stopped by the test'));
  };
  return await restoreDatabase(means, { options: { ...WHOLE, jobs: 1, ...options }, onEvent, signal: stop.signal });
}

const statements = () => events.flatMap((event) => (event.type === 'statement' ? [`${event.done}/${event.of}`] : []));

for (const onConflict of ['skip', 'replace'] as const) {
  test(`with --on-conflict ${onConflict}, a key that the rows violate fails every attempt`, async () => {
    const orphans = await round.plainDatabase(
      `orphans_${onConflict}`,
      `${SCHEMA} set session_replication_role = replica; insert into public.notes values (2, 99)`,
    );
    const broken = await makeBackup(orphans, round);
    for (const attempt of ['first', 'second', 'third']) {
      const report = await restore(broken, target, { onConflict });
      assert.equal(report.status, 'failed', attempt);
      assert.match(report.error!.message, /notes_visit/, attempt);
    }
  });

  test(`with --on-conflict ${onConflict}, keys that were added and not validated yet are validated by the next attempt`, async () => {
    const stopped = await stoppedAt((event) => event.type === 'statement' && event.done === event.of - 2, {
      onConflict,
    });
    assert.equal(stopped.error?.code, 'RESTORE_INTERRUPTED');
    assert.deepEqual(
      (await unvalidated()).sort(),
      ['notes_visit', 'visits_place'],
      'the test stopped where it meant to',
    );
    const report = await restore(backup, target, { onConflict, jobs: 1 });
    assert.equal(report.error, null);
    assert.deepEqual(await unvalidated(), []);
    const { identical, difference } = await comparePgDump(source, target, { rowOrder: 'ignored' });
    assert.ok(identical, difference);
  });
}

test('progress counts every statement once, up to the last, and goes on where the first attempt stopped', async () => {
  await stoppedAt((event) => event.type === 'statement' && event.done === 4);
  const [of] = statements().map((text) => text.split('/')[1]);
  assert.deepEqual(
    statements(),
    [1, 2, 3, 4].map((done) => `${done}/${of}`),
  );
  events = [];
  assert.equal((await stoppedAt(() => false)).error, null);
  const rest = Array.from({ length: Number(of) - 4 }, (_, index) => `${index + 5}/${of}`);
  assert.deepEqual(statements(), rest);
});

test('what the first attempt found to differ is in the report of the one that ends', async () => {
  const project = await round.plainDatabase('with_clerk', `${SCHEMA} create role clerk login;`);
  const own = await makeBackup(project, round);
  await withSql(target, (sql) => sql`drop role clerk`);
  const stopped = await stoppedAt(({ type }) => type === 'table', {}, own);
  assert.equal(stopped.error?.code, 'RESTORE_INTERRUPTED');
  const report = await restore(own, target, { jobs: 1 });
  assert.equal(report.error, null);
  assert.deepEqual(report.differences, stopped.differences);
  assert.match(report.differences.join('\n'), /^role clerk can log in but has no password/m);
});
