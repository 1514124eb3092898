/** `npm run stack`: a Supabase project on this machine, for development, the demo and the tests. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { HoldfastError } from '../../supabase/functions/_shared/errors/define.ts';
import { readEnvFile } from './stack/env-file.ts';
import { findSupervisor } from './stack/stack-directory.ts';
import { type DetachedReport, runUntilSignal, startDetached, stopSupervisor } from './stack/supervise.ts';

interface StackArguments {
  pg: '15' | '17';
  rows: number;
  dir: string;
  cron: 'stand-in' | 'real';
  pgBin?: string;
  functionsEnv?: string;
  detach?: boolean;
  stop?: boolean;
  status?: boolean;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ npm run stack                            start, and stop with Ctrl-C
  $ npm run stack -- --detach --rows 100000  start in the background with more data
  $ set -a; . .stack/env; set +a             use it from a shell
  $ psql "$DATABASE_URL"
  $ npm run stack -- --stop                  stop the one in the background
  $ npm run stack -- --functions-env FILE    with secrets of your own, such as ALERT_SLACK_URL
  $ npm run stack -- --pg 15 --pg-bin /usr/lib/postgresql/15/bin --cron real
`;

const program = new Command('npm run stack --')
  .description('Starts PostgreSQL, the edge functions, Auth and Storage APIs and an S3 server as one Supabase project.')
  .addOption(new Option('--pg <major>', 'major version of PostgreSQL').choices(['15', '17']).default('17'))
  .option('--rows <count>', 'rows of demo data, 0 for none', wholeNumber, 20_000)
  .option('--dir <dir>', 'where everything is; two stacks need two', '.stack')
  .addOption(
    new Option('--cron <kind>', 'pg_cron itself, or its stand-in').choices(['stand-in', 'real']).default('stand-in'),
  )
  .option('--pg-bin <dir>', 'directory of other PostgreSQL binaries')
  .option(
    '--functions-env <file>',
    "more secrets for the functions, one NAME=value a line; they win over the stack's own",
  )
  .addOption(new Option('--detach', 'return when it is ready, and leave it running').conflicts(['stop', 'status']))
  .addOption(new Option('--stop', 'stop the stack that runs in --dir').conflicts('status'))
  .option('--status', 'say whether a stack runs in --dir (exit code 0 if so, else 1)')
  .option('--json', 'print one JSON object instead of the summary')
  .addHelpText('after', EXAMPLES);

await main(program.parse().opts<StackArguments>()).catch(fail);

async function main(options: StackArguments): Promise<void> {
  if (options.stop) return stop(options);
  if (options.status) return showStatus(options);
  if (options.detach) return detach(options);
  await runHere(options);
}

async function runHere(options: StackArguments): Promise<void> {
  const started = performance.now();
  // Loaded late: --help, --status and --stop answer at once.
  const { startStack } = await import('./stack/start-stack.ts');
  const { renderSummary } = await import('./stack/stack-summary.ts');
  const workerEnv = options.functionsEnv === undefined ? {} : await secretsIn(options.functionsEnv);
  const stack = await startStack({
    ...options,
    workerEnv,
    pg: Number(options.pg) as 15 | 17,
    onProgress: (text) => options.json || process.stdout.write(`  ${text}\n`),
  });
  const seconds = (performance.now() - started) / 1000;
  const summary = options.json
    ? JSON.stringify({ state: 'ready', dir: stack.dir, pid: process.pid, seconds, ...stack.parts, env: stack.env })
    : renderSummary(stack, { seconds, detached: process.send !== undefined });
  if (process.send) report({ type: 'ready', summary });
  else process.stdout.write(`${summary}\n`);
  await runUntilSignal(stack);
  process.exit(0);
}

async function secretsIn(file: string): Promise<Record<string, string>> {
  const { readFunctionsEnv } = await import('./stack/functions-env.ts');
  return await readFunctionsEnv(file);
}

async function detach(options: StackArguments): Promise<void> {
  const args = ['--pg', options.pg, '--rows', String(options.rows), '--cron', options.cron];
  if (options.pgBin) args.push('--pg-bin', resolve(options.pgBin));
  if (options.functionsEnv) args.push('--functions-env', resolve(options.functionsEnv));
  if (options.json) args.push('--json');
  const answer = await startDetached(options.dir, args);
  if (answer.type === 'ready') {
    process.stdout.write(`${answer.summary}\n`);
    return;
  }
  process.stderr.write(`${answer.message}\nHINT: ${answer.hint}\n`);
  process.exitCode = answer.exit;
}

async function stop({ dir, json }: StackArguments): Promise<void> {
  const stopped = await stopSupervisor(resolve(dir));
  if (json) process.stdout.write(`${JSON.stringify({ state: 'stopped', pid: stopped?.pid ?? null })}\n`);
  else process.stdout.write(stopped ? `stopped (process ${stopped.pid})\n` : `no stack runs in '${dir}'\n`);
}

async function showStatus({ dir, json }: StackArguments): Promise<void> {
  const supervisor = await findSupervisor(resolve(dir));
  const envFile = join(resolve(dir), 'env');
  const state = supervisor ? (existsSync(envFile) ? 'ready' : 'starting') : 'stopped';
  const url = state === 'ready' ? (await readEnvFile(envFile)).SUPABASE_URL : undefined;
  if (json) process.stdout.write(`${JSON.stringify({ state, pid: supervisor?.pid ?? null, url: url ?? null })}\n`);
  else
    process.stdout.write(
      supervisor ? `${state}: process ${supervisor.pid}${url ? `, ${url}` : ''}\n` : `no stack runs in '${dir}'\n`,
    );
  if (!supervisor) process.exitCode = 1;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function report(message: DetachedReport): void {
  // The command that has started us may have been ended meanwhile: then there is nobody to tell.
  if (process.connected) process.send?.(message, () => process.connected && process.disconnect());
}

function fail(error: unknown): void {
  if (!(error instanceof HoldfastError)) throw error;
  const { message, hint, exit, details } = error;
  if (process.send) report({ type: 'failed', message, hint, exit });
  process.stderr.write(`${message}\nHINT: ${hint}\n`);
  if (Object.keys(details).length > 0) process.stderr.write(`${JSON.stringify(details, null, 2)}\n`);
  process.exitCode = exit;
}
