/** Runs the files in Node's own test runner, which prints its report; the counts come from a second report, in TAP. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { REPOSITORY_ROOT } from '../stack/database/dev-cache.ts';

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Files at once: each has processes and databases of its own, and small machines have two cores. */
const CONCURRENCY = 2;

export function startTestFiles(
  files: readonly string[],
  options: { environment: Record<string, string>; tapFile: string },
): ChildProcess {
  const flags = [
    ...['--import', 'tsx', '--test', `--test-concurrency=${CONCURRENCY}`],
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...['--test-reporter=tap', `--test-reporter-destination=${options.tapFile}`],
  ];
  return spawn(process.execPath, [...flags, ...files], {
    cwd: REPOSITORY_ROOT,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'inherit', 'inherit'],
    // A process group of its own, so that all of it can be ended and looked for.
    detached: true,
  });
}

/** All zero but one failure when the runner ended before it could sum up. */
export async function readCounts(tapFile: string): Promise<TestCounts> {
  const tap = await readFile(tapFile, 'utf8').catch(() => '');
  const count = (name: string) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(tap)?.[1] ?? Number.NaN);
  const passed = count('pass');
  if (Number.isNaN(passed)) return { passed: 0, failed: 1, skipped: 0 };
  return { passed, failed: count('fail') + count('cancelled'), skipped: count('skipped') + count('todo') };
}
