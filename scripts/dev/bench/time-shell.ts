import { spawn } from 'node:child_process';

export interface ShellTiming {
  readonly seconds: number;
  /** User and system time of all processes of the script. */
  readonly cpuSeconds: number;
  readonly output: string;
}

const MARK = 'bench-times';

/** Runs a bash script to its end and times it. Throws with what it printed when any part of a pipeline fails. */
export function timeShell(script: string, environment: NodeJS.ProcessEnv): Promise<ShellTiming> {
  const timed = `set -euo pipefail; TIMEFORMAT='${MARK} %3R %3U %3S'; time { ${script}\n}`;
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', timed], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
    child.on('error', reject);
    child.on('close', (code) => {
      const times = new RegExp(`${MARK} ([\\d.]+) ([\\d.]+) ([\\d.]+)`).exec(errors);
      if (code !== 0 || !times) return reject(new Error(`'${script}' ended with ${code}:\n${errors.slice(-2000)}`));
      const [real, user, system] = times.slice(1).map(Number);
      resolve({ seconds: real!, cpuSeconds: user! + system!, output });
    });
  });
}
