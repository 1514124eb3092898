/** Applies the project's migrations as role `postgres` with the real Supabase CLI: no Docker, no telemetry, no network. */
import { spawn } from 'node:child_process';
import { appendFile, cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { supabaseCli } from './repository.ts';
import { STACK_ERRORS } from './stack-errors.ts';

export interface MigrationOptions {
  /** Holds migrations/ and config.toml. */
  readonly supabaseDir: string;
  /** Role postgres; the password goes to the CLI through its environment, not its arguments. */
  readonly databaseUrl: string;
  /** The CLI's own files and a copy of the migrations go here, so that it leaves nothing in the project. */
  readonly workDir: string;
  /** Gets the CLI's output. */
  readonly logFile: string;
}

/** Throws MIGRATION_FAILED with the CLI's output in the details. */
export async function applyMigrations(options: MigrationOptions): Promise<void> {
  const project = join(options.workDir, 'supabase');
  await mkdir(project, { recursive: true });
  for (const name of ['migrations', 'config.toml']) {
    await cp(join(options.supabaseDir, name), join(project, name), { recursive: true }).catch((error) => {
      if (error.code !== 'ENOENT') throw error; // a project may have none of either
    });
  }
  const { code, output } = await runCli(options);
  await mkdir(join(options.logFile, '..'), { recursive: true });
  await appendFile(options.logFile, output);
  if (code !== 0) {
    throw STACK_ERRORS.MIGRATION_FAILED(`supabase db push ended with ${code}: ${lastLines(output)}`, {
      details: { output },
    });
  }
}

function runCli(options: MigrationOptions): Promise<{ code: number | null; output: string }> {
  const url = new URL(options.databaseUrl);
  const password = decodeURIComponent(url.password);
  url.password = '';
  const args = ['db', 'push', '--workdir', options.workDir, `--remote=${url.href}`, '--yes', '--agent', 'no'];
  const env = {
    PATH: process.env.PATH,
    HOME: options.workDir,
    SUPABASE_HOME: join(options.workDir, 'cli-home'),
    SUPABASE_TELEMETRY_DISABLED: '1',
    SUPABASE_NO_UPDATE_NOTIFIER: '1',
    DO_NOT_TRACK: '1',
    PGPASSWORD: password,
    PGSSLMODE: 'disable',
    NO_COLOR: '1',
  };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [supabaseCli(), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-3).join(' ');
}
