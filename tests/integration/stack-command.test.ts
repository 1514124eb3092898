/** `npm run stack` as a user runs it: in the background, in the foreground, killed, twice, and with bad options. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { readEnvFile } from '../../scripts/dev/stack/env-file.ts';

const PROGRAM = fileURLToPath(new URL('../../scripts/dev/stack.ts', import.meta.url));
const dirs: string[] = [];

after(async () => {
  for (const dir of dirs) await rm(dir, { recursive: true, force: true });
});

async function newDirectory(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-command-'));
  dirs.push(dir);
  return dir;
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function stackCommand(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', PROGRAM, ...args], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

/** Ids of processes of which the command line or the working directory names the directory. */
function processesOf(dir: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const text = readFileSync(`/proc/${name}/cmdline`, 'utf8') + readlinkSync(`/proc/${name}/cwd`);
      return text.includes(dir) ? [Number(name)] : [];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

async function allGone(dir: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (processesOf(dir).length > 0) {
    assert.ok(Date.now() < deadline, `processes ${processesOf(dir)} are left`);
    await sleep(50);
  }
}

test('two stacks run side by side in the background, refuse a second start, and stop without a trace', async () => {
  const [first, second] = [await newDirectory(), await newDirectory()];
  const start = (dir: string) => stackCommand('--detach', '--rows', '100', '--dir', dir, '--json');
  const outcomes = await Promise.all([start(first), start(second)]);
  try {
    for (const { code, stderr } of outcomes) assert.equal(code, 0, stderr);
    const summaries = outcomes.map(({ stdout }) => JSON.parse(stdout));
    assert.equal(summaries[0].state, 'ready');
    assert.notEqual(summaries[0].env.DATABASE_URL, summaries[1].env.DATABASE_URL);
    for (const dir of [first, second]) {
      const sql = postgres((await readEnvFile(join(dir, 'env'))).DATABASE_URL!, { max: 1 });
      assert.equal((await sql`select count(*)::int as rows from public.bookings`)[0]?.rows, 100);
      await sql.end();
    }
    const again = await start(first);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /already runs .*\nHINT: /);
    const status = await stackCommand('--status', '--dir', first, '--json');
    assert.equal(JSON.parse(status.stdout).url, summaries[0].env.SUPABASE_URL);
  } finally {
    await Promise.all([first, second].map((dir) => stackCommand('--stop', '--dir', dir)));
  }
  for (const dir of [first, second]) {
    assert.deepEqual(processesOf(dir), []);
    assert.deepEqual(
      readdirSync(dir)
        .filter((name) => !name.startsWith('.'))
        .sort(),
      ['logs', 'processes'],
    );
    assert.equal((await stackCommand('--status', '--dir', dir)).code, 1);
    assert.equal((await stackCommand('--stop', '--dir', dir)).code, 0, 'stopping what is stopped does no harm');
  }
});

test('when the supervisor is killed with SIGKILL, everything of it dies and the next start works', async () => {
  const dir = await newDirectory();
  const first = await stackCommand('--detach', '--rows', '0', '--dir', dir, '--json');
  assert.equal(first.code, 0, first.stderr);
  assert.ok(processesOf(dir).length > 1);
  process.kill(JSON.parse(first.stdout).pid, 'SIGKILL');
  await allGone(dir);
  assert.ok(existsSync(join(dir, 'stack.json')), 'the stale file is still there');
  assert.equal((await stackCommand('--status', '--dir', dir)).code, 1);
  const second = await stackCommand('--detach', '--rows', '0', '--dir', dir, '--json');
  assert.equal(second.code, 0, second.stderr);
  assert.equal((await stackCommand('--stop', '--dir', dir)).code, 0);
  await allGone(dir);
});

test('in the foreground it says where everything is, and a signal stops it in order', async () => {
  const dir = await newDirectory();
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, '--rows', '0', '--dir', dir]);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  const ended = new Promise<[number | null, string | null]>((resolve) =>
    child.once('exit', (code, signal) => resolve([code, signal])),
  );
  const deadline = Date.now() + 120_000;
  while (!output.includes('Stop it')) {
    assert.ok(Date.now() < deadline && child.exitCode === null, output);
    await sleep(50);
  }
  assert.match(output, /The stack is ready after/);
  assert.match(output, /postgresql:\/\/postgres:/);
  child.kill('SIGINT');
  assert.deepEqual(await ended, [0, null]);
  await allGone(dir);
});

test('--functions-env gives the functions secrets, in the background too', async () => {
  const dir = await newDirectory();
  const token = 'a-token-of-more-than-thirty-two-characters';
  const file = join(await newDirectory(), 'secrets.env');
  await writeFile(file, `# for Prometheus\nexport BACKUP_METRICS_TOKEN="${token}"\n`);
  const started = await stackCommand('--detach', '--rows', '0', '--dir', dir, '--functions-env', file, '--json');
  assert.equal(started.code, 0, started.stderr);
  try {
    const metrics = `${JSON.parse(started.stdout).env.SUPABASE_URL}/functions/v1/database-health-monitor/metrics`;
    const statusOf = async (bearer: string) => {
      const answer = await fetch(metrics, { headers: { authorization: `Bearer ${bearer}` } });
      await answer.arrayBuffer();
      return answer.status;
    };
    assert.equal(await statusOf(token), 200);
    assert.equal(await statusOf(`${token}x`), 401);
  } finally {
    assert.equal((await stackCommand('--stop', '--dir', dir)).code, 0);
  }
  await allGone(dir);
});

test('a file of secrets that is not there or not understood is named, with the lines', async () => {
  const file = join(await newDirectory(), 'secrets.env');
  await writeFile(file, 'GOOD=1\nset -a\nSUPABASE_URL=http://x\n');
  const wrong = await stackCommand('--dir', join(file, '..', 'stack'), '--functions-env', file);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /secrets\.env: line 2 is no NAME=value\n/);
  const missing = await stackCommand('--dir', join(file, '..', 'stack'), '--functions-env', `${file}.none`);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /--functions-env must name a file that can be read/);
});

test('bad options and foreign directories are refused before anything is touched', async () => {
  for (const args of [
    ['--pg', '16'],
    ['--rows', 'many'],
    ['--rows', '-1'],
    ['--cron', 'none'],
    ['--stop', '--status'],
    ['--nonsense'],
  ]) {
    const { code, stderr } = await stackCommand(...args);
    assert.notEqual(code, 0, args.join(' '));
    assert.match(stderr, /^error: /);
  }
  const dir = await newDirectory();
  await writeFile(join(dir, 'thesis.txt'), 'the only copy');
  for (const mode of [[], ['--detach']]) {
    const { code, stderr } = await stackCommand('--dir', dir, ...mode);
    assert.equal(code, 2);
    assert.match(stderr, /holds files that are not a stack's/);
  }
  assert.deepEqual(readdirSync(dir), ['thesis.txt']);
});

test('a start that fails names the reason and leaves nothing running', async () => {
  const dir = await newDirectory();
  for (const mode of [[], ['--detach']]) {
    const { code, stderr } = await stackCommand('--dir', dir, '--rows', '0', '--pg-bin', '/nonexistent', ...mode);
    assert.ok(code > 0);
    assert.match(stderr, /\nHINT: /);
    await allGone(dir);
    assert.equal(existsSync(join(dir, 'stack.json')), false);
  }
});

test('help has examples', async () => {
  const { stdout } = await stackCommand('--help');
  assert.match(stdout, /Examples:/);
});
