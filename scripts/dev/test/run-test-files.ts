/** Runs the files in Node's own test runner, which prints its report; the counts come from a second report, in TAP. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { REPOSITORY_ROOT } from '../stack/database/dev-cache.ts';

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Files that one runner takes, `concurrency` at a time. */
export interface TestLane {
  readonly name: 'main' | 'clock';
  readonly files: readonly string[];
  readonly concurrency: number;
}

/**
 * Two files at once: each has processes and databases of its own, and small machines have two cores. Files named
 * `*.clock.test.ts` mostly wait for minutes to pass, which takes no core, so they run beside the others, one by one.
 */
export function lanesOf(files: readonly string[]): TestLane[] {
  const waits = (file: string) => file.endsWith('.clock.test.ts');
  const lanes: TestLane[] = [
    { name: 'main', files: files.filter((file) => !waits(file)), concurrency: 2 },
    { name: 'clock', files: files.filter(waits), concurrency: 1 },
  ];
  return lanes.filter((lane) => lane.files.length > 0);
}

/** The report goes to the standard output, or to the file `report`. */
export function startLane(
  lane: TestLane,
  options: { environment: Record<string, string>; tapFile: string; report?: string },
): ChildProcess {
  const flags = [
    ...['--import', 'tsx', '--test', `--test-concurrency=${lane.concurrency}`],
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...['--test-reporter=tap', `--test-reporter-destination=${options.tapFile}`],
  ];
  const report = options.report === undefined ? null : openSync(options.report, 'w');
  const child = spawn(process.execPath, [...flags, ...lane.files], {
    cwd: REPOSITORY_ROOT,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', report ?? 'inherit', report ?? 'inherit'],
    // A process group of its own, so that all of it can be ended and looked for.
    detached: true,
  });
  if (report !== null) closeSync(report);
  return child;
}

/** All zero but one failure when the runner ended before it could sum up. */
export async function readCounts(tapFile: string): Promise<TestCounts> {
  const tap = await readFile(tapFile, 'utf8').catch(() => '');
  const count = (name: string) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(tap)?.[1] ?? Number.NaN);
  const passed = count('pass');
  if (Number.isNaN(passed)) return { passed: 0, failed: 1, skipped: 0 };
  return { passed, failed: count('fail') + count('cancelled'), skipped: count('skipped') + count('todo') };
}
