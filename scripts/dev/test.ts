/**
 * `npm test`: starts the servers, runs the tests, stops the servers, and fails also for what was left behind.
 * The last line is always `N passed, N failed, N skipped`.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../supabase/functions/_shared/errors/define.ts';
import { REPOSITORY_ROOT } from './stack/database/dev-cache.ts';
import { findLeaks } from './test/find-leaks.ts';
import { findTestFiles } from './test/find-test-files.ts';
import { parseRunOptions, TEST_USAGE, type TestRunOptions } from './test/run-options.ts';
import { lanesOf, readCounts, startLane, type TestCounts, type TestLane } from './test/run-test-files.ts';
import { type LeftOut, startServices, type TestServices } from './test/start-services.ts';

interface RunResult {
  readonly counts: TestCounts;
  readonly leaks: readonly string[];
  readonly runnerCode: number;
}

/** As a shell reports a program that Ctrl-C ended. */
const INTERRUPTED = 130;
const NO_SERVICES: TestServices = { postgres: [], environment: {}, leftOut: [], stop: async () => {} };

async function main(): Promise<void> {
  const options = parseRunOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(`${TEST_USAGE}\n`);
    return;
  }
  const files = await findTestFiles(options);
  const mark = randomBytes(6).toString('hex');
  const dir = join(REPOSITORY_ROOT, '.test', mark);
  const interrupted = untilInterrupted();
  await mkdir(dir, { recursive: true });
  try {
    const services = files.every(isUnitTest) ? NO_SERVICES : await startServices(options, join(dir, 'services'));
    const result = await runTests(files, { options, services, mark, dir, interrupted }).finally(() => services.stop());
    process.exitCode = interrupted.aborted ? INTERRUPTED : report(result, services.leftOut);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** From the first signal on the run is wound up in order: tests, servers, files. */
function untilInterrupted(): AbortSignal {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort());
  return interrupt.signal;
}

/** Unit tests need no server; a run of nothing else starts none. */
function isUnitTest(file: string): boolean {
  return file.startsWith('tests/unit/');
}

interface Run {
  readonly options: TestRunOptions;
  readonly services: TestServices;
  readonly mark: string;
  readonly dir: string;
  readonly interrupted: AbortSignal;
}

async function runTests(files: readonly string[], run: Run): Promise<RunResult> {
  run.interrupted.throwIfAborted();
  const [first, ...others] = lanesOf(files).map((lane, index) => startRunner(lane, run, index === 0));
  const results = [await first!.ended];
  for (const other of others) {
    const result = await other.ended;
    if (other.report) process.stdout.write(await readFile(other.report, 'utf8'));
    results.push(result);
  }
  const serverUrls = run.services.postgres.map((server) => server.adminUrl);
  const leaks = await findLeaks({ mark: run.mark, groupIds: results.map(({ groupId }) => groupId), serverUrls });
  const sum = (name: keyof TestCounts) => results.reduce((total, { counts }) => total + counts[name], 0);
  return {
    counts: { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') },
    leaks,
    runnerCode: results.find(({ code }) => code !== 0)?.code ?? 0,
  };
}

interface Runner {
  readonly ended: Promise<{ readonly code: number; readonly groupId: number; readonly counts: TestCounts }>;
  /** Where its report is, when it is not on the standard output. */
  readonly report?: string;
}

function startRunner(lane: TestLane, { options, services, mark, dir, interrupted }: Run, isFirst: boolean): Runner {
  const majors: Record<string, string> =
    options.majors.length === 1 ? { HOLDFAST_TEST_MAJORS: String(options.majors[0]) } : {};
  const tapFile = join(dir, `${lane.name}.tap`);
  const report = isFirst ? undefined : join(dir, `${lane.name}.log`);
  const environment = { ...services.environment, ...majors, HOLDFAST_TEST_RUN: mark };
  const child = startLane(lane, { environment, tapFile, ...(report && { report }) });
  const groupId = child.pid as number;
  // The group has left the terminal's, so Ctrl-C reaches it only through us.
  const forward = () => void process.kill(-groupId, 'SIGTERM');
  interrupted.addEventListener('abort', forward);
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? INTERRUPTED));
  }).then(async (code) => {
    interrupted.removeEventListener('abort', forward);
    return { code, groupId, counts: await readCounts(tapFile) };
  });
  return { ended, ...(report && { report }) };
}

/** Prints what Node's report does not say; returns the exit code. */
function report({ counts, leaks, runnerCode }: RunResult, leftOut: readonly LeftOut[]): number {
  for (const { what, why, required } of leftOut) {
    process.stdout.write(`left out: ${what} (${why})${required ? ', but required' : ''}\n`);
  }
  for (const leak of leaks) process.stdout.write(`leak: ${leak}\n`);
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  if (runnerCode !== 0) return runnerCode;
  return counts.failed > 0 || leaks.length > 0 || leftOut.some((each) => each.required) ? 1 : 0;
}

main().catch((error: unknown) => {
  if ((error as Error).name === 'AbortError') {
    process.exitCode = INTERRUPTED;
    return;
  }
  const known = error instanceof HoldfastError;
  process.stderr.write(`${known ? `${error.message}\nHINT: ${error.hint}` : (error as Error).stack}\n`);
  process.exitCode = known ? error.exit : 1;
});
