/** Drills by the function, on a running stack with the real Deno: what they find, and that they leave nothing behind. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createDecipher } from '../../supabase/functions/_shared/archive/decipher.ts';
import { nodePlatform } from '../../supabase/functions/_shared/platform-node.ts';
import { parseConnectionUrl } from '../../supabase/functions/_shared/postgres/connection-url.ts';
import { ALL_CHECKS } from '../../supabase/functions/_shared/restore/checks/all-checks.ts';
import type { DrillMeans } from '../../supabase/functions/_shared/restore/drill/drill-means.ts';
import type { DrillOutcome } from '../../supabase/functions/_shared/restore/drill/drill-outcome.ts';
import { drillStep } from '../../supabase/functions/_shared/restore/drill/drill-step.ts';
import type { Job, JobHold, JobOutcome } from '../../supabase/functions/_shared/runs/job-row.ts';
import { storeOf } from '../support/store-of.ts';
import { type DrillStack, startDrillStack } from './backup-restore-harness.ts';
import { makeKeyring } from './export/export-harness.ts';

let drills: DrillStack;
let backupId: string;

before(async () => {
  drills = await startDrillStack({ rows: 300 });
  backupId = await drills.backUp();
});
after(() => drills?.stop());

const setting = (name: string, value: number) =>
  drills.sql`update backup.setting set value = ${String(value)}::jsonb where name = ${name}`;

/** What must not hang on the cut into slices. */
function essence(report: {
  tables: unknown[];
  checks: { name: string; verdict: string; detail: string }[];
  phases: { name: string; verdict: string; detail: string }[];
  differences: string[];
  held_back: { kind: string; name: string }[];
  status: string;
}) {
  return {
    status: report.status,
    tables: report.tables,
    checks: report.checks.map(({ name, verdict, detail }) => [name, verdict, detail]),
    phases: report.phases.map(({ name, verdict, detail }) => [name, verdict, detail]),
    differences: report.differences,
    heldBack: report.held_back.map(({ kind, name }) => `${kind} ${name}`),
  };
}

test('a drill of a good backup passes, is recorded with its report, and leaves no database behind', async () => {
  const drill = await drills.follow(await drills.start({ backup_id: backupId, kind: 'weekly' }));
  assert.equal(drill.status, 'passed', JSON.stringify(drill.errors));
  assert.deepEqual(await drills.scratches(), []);
  const [row] = await drills.sql`select * from public.backup_tests where id = ${drill.drill_id}`;
  assert.equal(row!.success, true);
  assert.equal(row!.test_type, 'weekly');
  assert.equal(row!.backup_id, backupId);
  assert.deepEqual(row!.errors, []);
  const { report } = row!;
  const failed = report.checks.filter((check: { verdict: string }) => check.verdict === 'failed');
  assert.deepEqual(failed, []);
  const names = report.checks.map((check: { name: string }) => check.name);
  for (const { name } of ALL_CHECKS) assert.ok(names.includes(name), name);
  for (const name of ['verification', 'database', 'schema', 'authentication', 'checks', 'destruction'])
    assert.ok(
      report.phases.some((phase: { name: string; seconds: number }) => phase.name === name && phase.seconds > 0),
      name,
    );
  const tables = report.tables as { table: string; rows: number; state: string }[];
  const [live] = await drills.sql`select count(*)::int as bookings from public.bookings`;
  assert.deepEqual(
    tables.find(({ table }) => table === 'public.bookings'),
    { table: 'public.bookings', action: 'load', rows: live!.bookings, kept: 0, state: 'restored' },
  );
});

test('nothing that acts by itself was woken by a drill: no cron job, publication or subscription is added', async () => {
  const read = () => drills.sql`
    select (select json_agg(jobname order by jobname) from cron.job) as jobs,
           (select count(*)::int from pg_subscription) as subscriptions,
           (select json_agg(rolname order by rolname) from pg_roles) as roles`;
  const before = await read();
  const drill = await drills.follow(await drills.start({ backup_id: backupId }));
  assert.equal(drill.status, 'passed');
  assert.deepEqual([...(await read())], [...before]);
  assert.ok(drill.report.held_back.length > 0);
});

test('a drill in many slices ends with the same report as one in few', async () => {
  const whole = await drills.follow(await drills.start({ backup_id: backupId }));
  await setting('drill_slice_bytes', 20_000_000);
  try {
    const cut = await drills.follow(await drills.start({ backup_id: backupId }), 240_000);
    assert.equal(cut.status, 'passed', JSON.stringify(cut.errors));
    assert.ok(cut.verified.slices > whole.verified.slices + 5, `${cut.verified.slices} slices`);
    const [a, b] = [essence(cut.report), essence(whole.report)];
    assert.deepEqual(a, b);
  } finally {
    await setting('drill_slice_bytes', 40_000_000);
  }
});

test('a role that is gone is no fault of the backup: another stands for it, and the report says so', async () => {
  const grant = 'grant select on public.bookings to report_reader';
  await drills.sql.unsafe(`create role report_reader; ${grant};
    create policy readers on public.bookings for select to authenticated, report_reader using (true)`);
  const named = await drills.backUp();
  await drills.sql.unsafe(
    'drop policy readers on public.bookings; revoke all on public.bookings from report_reader; drop role report_reader',
  );
  const drill = await drills.follow(await drills.start({ backup_id: named }));
  assert.equal(drill.status, 'passed', JSON.stringify(drill.errors));
  assert.match(drill.report.differences.join('\n'), /no role report_reader any more/);
  const [role] = await drills.sql`select from pg_roles where rolname = 'report_reader'`;
  assert.equal(role, undefined, 'a drill creates no role');
});

test("an owner's check that the restored rows do not meet fails the drill", async () => {
  await drills.sql`insert into backup.drill_check (name, sql) values ('a booking that is gone', 'select count(*) > 1000000 from public.bookings')`;
  const broken = await drills.backUp();
  await drills.sql`delete from backup.drill_check`;
  const drill = await drills.follow(await drills.start({ backup_id: broken }));
  assert.equal(drill.status, 'failed');
  assert.equal(drill.errors[0].check, 'owner-checks');
  const page = await drills.call(`/drills/${drill.drill_id}?format=markdown`);
  assert.match(page.text, /^# Drill failed/, 'every row came back, and yet the drill failed');
  assert.match(JSON.stringify(drill.errors[0]), /a booking that is gone/);
  assert.deepEqual(await drills.scratches(), []);
  const [alert] = await drills.sql`
    select severity from public.system_health_alerts where alert_type = 'backup_drill_failed' and event_data ->> 'backup_id' = ${broken}`;
  assert.equal(alert!.severity, 'critical');
});

test('a flipped byte in the bucket fails the drill with the object named, and nothing is restored', async () => {
  const damaged = await drills.backUp();
  const [run] = await drills.sql`select folder from public.backup_log where backup_id = ${damaged}`;
  const store = storeOf(drills.stack.env);
  const manifest = JSON.parse(new TextDecoder().decode(await store.getBytes(`${run!.folder}/manifest.json`)));
  const path = manifest.tables.find((one: { name: string }) => one.name === 'bookings').segments[0];
  const bytes = await store.getBytes(`${run!.folder}/${path}`);
  bytes[bytes.length >> 1]! ^= 1;
  await store.delete(`${run!.folder}/${path}`);
  await store.put(`${run!.folder}/${path}`, bytes);
  const drill = await drills.follow(await drills.start({ backup_id: damaged }));
  assert.equal(drill.status, 'failed');
  assert.equal(drill.errors[0].code, 'ARCHIVE_DAMAGED');
  assert.deepEqual(
    drill.errors[0].objects.map((one: { object: string }) => one.object),
    [path],
  );
  assert.deepEqual(drill.report.tables, []);
});

/** What the function would be given, with a key of the caller's or none. */
async function meansOf(id: string, decipher: DrillMeans['decipher']): Promise<DrillMeans> {
  const [run] = await drills.sql`select folder from public.backup_log where backup_id = ${id}`;
  return {
    platform: nodePlatform,
    store: storeOf(drills.stack.env),
    folder: run!.folder,
    decipher,
    verificationKeys: null,
    server: parseConnectionUrl(drills.stack.env.DATABASE_URL!),
    environment: 'a test',
    limits: { sliceBytes: 40_000_000, sliceSeconds: 40, maxBytes: 2_000_000_000 },
  };
}

function jobOf(id: string, progress: object = {}, jobId: string = randomUUID()): Job {
  return {
    ...{ id: jobId, kind: 'drill', subject: id, payload: { backup_id: id }, progress: { ...progress } },
    ...{ attempts: 1, createdBy: null, createdAt: new Date(), leaseToken: randomUUID() },
  };
}

const holdOf = (job: Job): JobHold => ({ job, save: async () => {}, extend: async () => {} });
const resultOf = (outcome: JobOutcome) => (outcome as unknown as { result: DrillOutcome }).result;

test('a private key that does not fit fails the drill with the reason, and no database is made', async () => {
  const other = makeKeyring();
  const armored = other.gpg(['--armor', '--export-secret-keys']).toString();
  const means = await meansOf(backupId, () => createDecipher(armored));
  try {
    const outcome = await drillStep(async () => means)(holdOf(jobOf(backupId)));
    assert.equal(outcome.state, 'done');
    const result = resultOf(outcome);
    assert.equal(result.verdict, 'failed');
    assert.equal((result.errors[0] as { code: string }).code, 'DECRYPTION_FAILED');
    assert.deepEqual(await drills.scratches(), []);
  } finally {
    other.dispose();
  }
});

for (const withKey of [true, false]) {
  test(`a manifest that changes between two slices of a drill ${withKey ? 'with' : 'without'} a key is refused: half a drill of each proves neither`, async () => {
    const id = await drills.backUp();
    const decipher = withKey ? () => createDecipher(drills.privateKeys) : null;
    const means = await meansOf(id, decipher);
    const store = means.store;
    const small = drillStep(async () => ({
      ...means,
      limits: { ...means.limits, sliceBytes: withKey ? 25_000_000 : 1 },
    }));
    const job = randomUUID();
    let outcome = await small(holdOf(jobOf(id, {}, job)));
    for (let slice = 1; withKey && slice < 5 && (await drills.scratches()).length === 0; slice++)
      outcome = await small(holdOf(jobOf(id, (outcome as { progress: object }).progress, job)));
    assert.equal(outcome.state, 'again');
    assert.equal((await drills.scratches()).length, withKey ? 1 : 0);

    // Another drill in between: what was opened is not in memory any more, as in another isolate.
    await small(holdOf(jobOf(id)));
    const key = `${means.folder}/manifest.json`;
    const manifest = JSON.parse(new TextDecoder().decode(await store.getBytes(key)));
    const [largest] = manifest.objects.toSorted(
      (one: { size: number }, other: { size: number }) => other.size - one.size,
    );
    largest.sha256 = 'f'.repeat(64);
    await store.delete(key);
    await store.put(key, new TextEncoder().encode(JSON.stringify(manifest)));

    for (let slice = 1; slice < 5 && outcome.state === 'again'; slice++)
      outcome = await small(holdOf(jobOf(id, outcome.progress, job)));
    assert.equal(outcome.state, 'done');
    const { verdict, errors } = resultOf(outcome);
    assert.equal(verdict, 'failed');
    const [{ code, message }] = errors as [{ code: string; message: string }];
    assert.equal(code, 'MANIFEST_INVALID');
    assert.match(message, /changed while the drill/);
    assert.deepEqual(await drills.scratches(), []);
  });
}

test('a store that does not answer proves nothing: the error is thrown, for the queue to try again', async () => {
  const means = await meansOf(backupId, () => createDecipher(drills.privateKeys));
  const down = { ...drills.stack.env, BACKUP_S3_ENDPOINT: 'http://127.0.0.1:9' };
  const step = drillStep(async () => ({ ...means, store: storeOf(down) }));
  await assert.rejects(step(holdOf(jobOf(backupId))), { kind: 'transient' });
});

test('SQL starts a drill too, and says once it has ended that the backup is good', async () => {
  const again = await drills.backUp();
  const [first] = await drills.sql`select public.test_backup_restoration(${again}) as verdict`;
  assert.equal(first!.verdict, null);
  const [started] = await drills.sql`select id from public.backup_tests where backup_id = ${again}`;
  assert.equal((await drills.follow(started!.id)).status, 'passed');
  const [second] = await drills.sql`select public.test_backup_restoration(${again}) as verdict`;
  assert.equal(second!.verdict, true);
  await assert.rejects(drills.sql`select public.test_backup_restoration('none')`, { code: 'P0002' });
  const [open] = await drills.sql`
    select id from public.backup_tests where backup_id = ${again} and status = 'in_progress'`;
  await drills.follow(open!.id);
});

test('a function that is killed in the middle of a drill goes on where it was, and the drill passes', async () => {
  await setting('drill_slice_bytes', 20_000_000);
  try {
    const id = await drills.start({ backup_id: backupId });
    const killedAt = new Set<string>();
    const until = Date.now() + 180_000;
    while (killedAt.size < 2 && Date.now() < until) {
      const { body } = await drills.call(`/drills/${id}`);
      const phase = body.progress?.phase;
      if (body.status !== 'in_progress') break;
      if (['rows', 'checks'].includes(phase) && !killedAt.has(phase)) {
        killedAt.add(phase);
        for (const pid of drills.stack.functionPids('backup-restore')) process.kill(pid, 'SIGKILL');
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
      await drills.sql`select backup.tick()`;
    }
    assert.ok(killedAt.size > 0, 'a process was killed');
    const drill = await drills.follow(id, 180_000);
    assert.equal(drill.status, 'passed', JSON.stringify(drill.errors));
    assert.deepEqual(await drills.scratches(), []);
  } finally {
    await setting('drill_slice_bytes', 40_000_000);
  }
});

test('a cancelled drill is recorded as such and its database is gone', async () => {
  await setting('drill_slice_bytes', 20_000_000);
  try {
    const id = await drills.start({ backup_id: backupId });
    const until = Date.now() + 180_000;
    while ((await drills.scratches()).length === 0 && Date.now() < until) {
      await drills.sql`select backup.tick()`;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal((await drills.scratches()).length, 1, 'the drill has its database');
    assert.equal((await drills.call(`/drills/${id}/cancel`, { method: 'POST' })).status, 200);
    const gone = Date.now() + 30_000;
    while ((await drills.scratches()).length > 0 && Date.now() < gone) {
      await drills.sql`select backup.tick()`;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.deepEqual(await drills.scratches(), []);
    assert.equal((await drills.call(`/drills/${id}`)).body.status, 'cancelled');
    const again = await drills.call(`/drills/${id}/cancel`, { method: 'POST' });
    assert.deepEqual([again.status, again.body.error.code], [409, 'DRILL_NOT_ACTIVE']);
  } finally {
    await setting('drill_slice_bytes', 40_000_000);
  }
});

test('a backup too large for a second copy is refused, with the way to drill it elsewhere', async () => {
  await setting('drill_max_bytes', 1000);
  try {
    const { status, body } = await drills.call('/drills', { method: 'POST', body: { backup_id: backupId } });
    assert.deepEqual([status, body.error.code], [422, 'DRILL_TOO_LARGE']);
    assert.match(body.error.hint, /npm run backup:drill/);
  } finally {
    await setting('drill_max_bytes', 2_000_000_000);
  }
});
