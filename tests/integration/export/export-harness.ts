/** What the tests of the export script share: the script as a process of its own, keys, and programs as oracles. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type Dirent, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { type CliResult, type StartedCli, startScript } from '../../support/run-script.ts';

const MAX_OUTPUT_BYTES = 1 << 28;

/** The export with this environment alone: nothing of the caller's configuration reaches it. */
export function startExport(args: readonly string[], env: Record<string, string | undefined>): StartedCli {
  return startScript('export-critical-data.ts', args, env);
}

export function runExport(args: readonly string[], env: Record<string, string | undefined>): Promise<CliResult> {
  return startExport(args, env).ended;
}

/** Runs with --json and expects success (or the exit code given). */
// biome-ignore lint/suspicious/noExplicitAny: the tests look at whatever they are about
export async function exportJson(args: readonly string[], env: Record<string, string>, code = 0): Promise<any> {
  const result = await runExport([...args, '--json'], env);
  assert.equal(result.code, code, result.stdout + result.stderr);
  assert.equal(result.stderr, '');
  assert.equal(result.stdout.trimEnd().split('\n').length, 1, 'one line');
  return JSON.parse(result.stdout);
}

/** A program's output; the test fails when the program does. */
export function run(
  program: string,
  args: string[],
  options: { input?: Uint8Array | string; env?: Record<string, string>; cwd?: string } = {},
): Buffer {
  const env = { ...process.env, ...options.env };
  const { status, stdout, stderr, error } = spawnSync(program, args, { ...options, env, maxBuffer: MAX_OUTPUT_BYTES });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${error ?? stderr}`);
  return stdout;
}

export interface Keyring {
  readonly home: string;
  readonly publicKeys: string;
  gpg(args: string[], input?: Uint8Array): Buffer;
  dispose(): void;
}

/** A keyring of its own with one RSA key, made by gpg. */
export function makeKeyring(userId = 'Backup <backup@example.com>', expires = 'never'): Keyring {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-gpg-'));
  const gpg = (args: string[], input?: Uint8Array) =>
    run('gpg', ['--batch', '--quiet', ...args], { input, env: { GNUPGHOME: home } });
  const silent = ['--pinentry-mode', 'loopback', '--passphrase', ''];
  gpg([...silent, '--quick-generate-key', userId, 'rsa2048', 'default', expires]);
  const [, fingerprint] = /^fpr:+([0-9A-F]+):/m.exec(gpg(['--with-colons', '--list-keys']).toString())!;
  gpg([...silent, '--quick-add-key', fingerprint!, 'rsa2048', 'encr', expires]);
  return {
    home,
    publicKeys: gpg(['--armor', '--export']).toString(),
    gpg,
    dispose() {
      spawnSync('gpgconf', ['--kill', 'gpg-agent'], { env: { ...process.env, GNUPGHOME: home } });
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'holdfast-export-'));
}

/** Every file below a directory, relative to it. */
export function filesIn(directory: string): string[] {
  return entriesOf(directory)
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

/** Looked at again when a folder went away meanwhile: an export at work removes those that are empty. */
function entriesOf(directory: string): Dirent[] {
  for (let tries = 1; ; tries++) {
    try {
      return readdirSync(directory, { recursive: true, withFileTypes: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 100) throw error;
    }
  }
}

export async function withSql<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
