import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { installPlatform } from '../stack/database/install-platform.ts';
import type { Stack } from '../stack/start-stack.ts';
import { runProgram } from './run-program.ts';

/** Makes a fresh Supabase-shaped database in the stack and restores a downloaded backup into it with its own restore.sh. */
export async function restoreInto(stack: Stack, directory: string, database: string): Promise<string> {
  const admin = postgres(stack.env.ADMIN_DATABASE_URL!, { max: 1, onnotice: () => {} });
  await admin`create database ${admin(database)} owner postgres`;
  await admin.end();
  await installPlatform(withDatabase(stack.env.ADMIN_DATABASE_URL!, database), {
    cron: 'stand-in',
    databaseName: database,
  });
  const target = withDatabase(stack.env.DATABASE_URL!, database);
  const home = await mkdtemp(join(tmpdir(), 'hf-gpg-'));
  try {
    const env = { GNUPGHOME: home };
    await runProgram('gpg', ['--batch', '--quiet', '--import', stack.env.PGP_PRIVATE_KEY_FILE!], { env });
    await runProgram('sh', ['restore.sh', target], { cwd: directory, env });
    await runProgram('gpgconf', ['--kill', 'all'], { env });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
  return target;
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.toString();
}
