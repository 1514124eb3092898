import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { readProcessCpu, statCpuMs } from '../../../scripts/dev/bench/process-cpu.ts';
import { projectBackup } from '../../../scripts/dev/bench/projection.ts';
import { judge } from '../../../scripts/dev/bench/targets.ts';
import { startTicketDesk } from '../../../scripts/dev/bench/ticket-desk.ts';
import { timeShell } from '../../../scripts/dev/bench/time-shell.ts';
import type { WorkerCall } from '../../../scripts/dev/bench/worker-pass.ts';
import { byKind, cpuMsPerRawMb, maxCallCpuMs } from '../../../scripts/dev/bench/worker-summary.ts';

const call = (kind: WorkerCall['kind'], allMs: number, rest: Partial<WorkerCall> = {}): WorkerCall => ({
  kind,
  cpu: { allMs, systemMs: allMs / 10, jsMs: allMs / 2 },
  wallMs: 2 * allMs,
  rawBytes: 0,
  objects: 0,
  first: false,
  ...rest,
});

test('CPU per raw MB counts copy calls alone, also those that copied little', () => {
  const calls = [
    call('plan', 500),
    call('copy', 300, { rawBytes: 30e6 }),
    call('copy', 100),
    call('copy', 200, { rawBytes: 10e6 }),
  ];
  assert.equal(cpuMsPerRawMb(calls), 15);
  assert.equal(cpuMsPerRawMb(calls, 'jsMs'), 7.5);
});

test('the largest call has the cold start in it where it was the first of its isolate', () => {
  assert.equal(maxCallCpuMs([call('copy', 600), call('plan', 550, { first: true })], { addedMs: 70 }), 620);
  assert.equal(maxCallCpuMs([call('copy', 600), call('plan', 500, { first: true })], { addedMs: 70 }), 600);
});

test('calls are summed up by kind', () => {
  const kinds = byKind([
    call('copy', 100, { rawBytes: 1e6 }),
    call('copy', 300, { rawBytes: 3e6 }),
    call('verify', 50),
  ]);
  assert.deepEqual(Object.keys(kinds), ['copy', 'verify']);
  assert.deepEqual(kinds.copy!.cpuMs, { mean: 200, max: 300 });
  assert.deepEqual(kinds.copy!.rawMb, { total: 4, max: 3 });
});

test('a target is held at its bound and missed beyond it, on the right side', () => {
  const ratios = (custom: number, zstd: number) => ({ vs_pg_dump_custom_gpg: custom, vs_pg_dump_zstd_gpg: zstd });
  assert.deepEqual(
    judge({ ratios: ratios(2.5, 0.69) }).map(({ held }) => held),
    [true, false],
  );
  const worker = {
    cpu_ms_per_raw_mb: 10.1,
    max_call_cpu_ms: 800,
    max_call_cpu_ms_1000_tables: 801,
    peak_heap_external_mb: 150,
    cold_start_cpu_ms: 200,
  };
  assert.deepEqual(
    judge({ worker }).map(({ held }) => held),
    [false, true, false, true, true],
  );
});

test('a number that was not measured is an error, a part that was not asked for is not', () => {
  assert.deepEqual(judge({}), []);
  assert.throws(() => judge({ ratios: { vs_pg_dump_custom_gpg: 3 } }), /ratios\.vs_pg_dump_zstd_gpg was not measured/);
  assert.throws(
    () => judge({ ratios: { vs_pg_dump_custom_gpg: Number.NaN, vs_pg_dump_zstd_gpg: 1 } }),
    /vs_pg_dump_custom_gpg was not measured/,
  );
});

test('a projection scales copy calls and time, keeps the other calls, and bounds the time by what is guaranteed', () => {
  const run = { rawBytes: 1e9, calls: 36, copyCalls: 30, seconds: 30 };
  const projected = projectBackup(10, [
    { ...run, parallelism: 2 },
    { ...run, parallelism: 4, seconds: 24 },
  ]);
  assert.equal(projected.calls, 306);
  assert.deepEqual(projected.minutes, { parallelism_2: 5, parallelism_4: 4 });
  assert.deepEqual(projected.longest_minutes.free, { parallelism_2: 187.5, parallelism_4: 93.75 });
  assert.deepEqual(projected.longest_minutes.paid, { parallelism_2: 500, parallelism_4: 250 });
});

test('a process name with spaces and parentheses does not shift the fields of its CPU time', () => {
  const rest = 'S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15';
  assert.deepEqual(statCpuMs(`42 (a) b (c)) ${rest}`), { allMs: 230, systemMs: 120 });
});

test('the CPU of a process is read from outside of it', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  const before = readProcessCpu(process.pid);
  for (const until = performance.now() + 120; performance.now() < until; );
  const after = readProcessCpu(process.pid);
  assert.ok(after.jsMs > before.jsMs && after.allMs >= before.allMs, JSON.stringify({ before, after }));
});

test('the desk hands out tickets in the order they came, and nothing when none comes', async () => {
  const desk = await startTicketDesk();
  try {
    assert.equal(await desk.next(20), null);
    for (const body of ['one', 'two']) {
      const response = await fetch(`${desk.url}/functions/v1/backup-worker`, { method: 'POST', body });
      assert.equal(response.status, 202);
    }
    assert.equal(await desk.next(20), 'one');
    assert.equal(await desk.next(20), 'two');
    assert.equal((await fetch(`${desk.url}/elsewhere`)).status, 404);
  } finally {
    await desk.stop();
  }
});

test('a pipeline is timed with all its processes, and fails when any part of it fails', async () => {
  const timing = await timeShell('sleep 0.1 | cat; echo done', process.env);
  assert.ok(timing.seconds >= 0.1 && timing.cpuSeconds < timing.seconds, JSON.stringify(timing));
  assert.equal(timing.output, 'done\n');
  await assert.rejects(timeShell('sh -c "exit 3" | cat', process.env), /ended with 3/);
});

test('the command refuses what it cannot measure', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'scripts/dev/bench.ts', ...args], { encoding: 'utf8' });
  assert.match(run('--only', 'export,speed').stderr, /parts of export, worker, projection: speed/);
  assert.match(run('--rows', 'many').stderr, /whole number/);
  assert.match(run('--pg', '16').stderr, /15, 17/);
  const help = run('--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /npm run bench -- --only export/);
});
