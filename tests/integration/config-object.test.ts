/** Worker calls store the project's configuration too, whichever way a backup is made. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import postgres from 'postgres';
import { type Stack, startStack } from '../../scripts/dev/stack/start-stack.ts';
import type { ProjectConfig } from '../../supabase/functions/_shared/domain/project-config.ts';
import { copyFolder } from '../support/copy-folder.ts';
import { followRun } from '../support/operator.ts';
import { storeOf } from '../support/store-of.ts';
import { run } from './export/export-harness.ts';

const PATH = 'config/database.json.gz.pgp';
const WAYS = [
  // The demo and our own tables are more than a call may take by default.
  { way: 'single-transaction', workerEnv: { BACKUP_SINGLE_CALL_BYTES: '67108864' } },
  { way: 'keeper', workerEnv: { BACKUP_SINGLE_CALL_BYTES: '0' } },
] as const;

for (const { way, workerEnv } of WAYS) {
  test(`a full backup, ${way}, has one configuration; a critical one has none`, { timeout: 240_000 }, async (t) => {
    const stack = await startStack({ pg: 17, rows: 300, workers: 4, workerEnv });
    const sql = postgres(stack.env.DATABASE_URL!, { max: 1, onnotice: () => {} });
    t.after(async () => {
      await sql.end();
      await stack.stop();
    });
    const full = await backUp(stack, sql, { scope: 'full', way });
    assert.deepEqual(full.paths, [PATH]);
    const config = await openConfig(stack, full.folder);
    assert.equal(config.format, 'holdfast-config');
    const [seen] = await sql.begin(async (one) => {
      await one`set local role anon`;
      return await one`select count(*)::int as rows from public.service_types`;
    });
    const probe = config.rls_probes.find(({ table, role }) => table === 'public.service_types' && role === 'anon');
    assert.equal(probe?.count, seen!.rows);
    assert.deepEqual(config.unreadable, []);
    assert.deepEqual((await backUp(stack, sql, { scope: 'critical', way })).paths, []);
  });
}

async function backUp(stack: Stack, sql: postgres.Sql, { scope, way }: { scope: string; way: string }) {
  const request = sql.json({ scope, cadence: 'manual', codec: 'gzip' });
  const [started] = await sql`select backup.start_run(${request}) as id`;
  const ended = await followRun(sql, started!.id, 180_000);
  assert.equal(ended.status, 'completed', JSON.stringify(ended.row.error));
  assert.equal(ended.row.way, way);
  const stored = await sql`select path from backup.segment where backup_id = ${ended.backupId} and kind = 'config'`;
  const folder = join(stack.dir, `archive-${scope}`);
  await copyFolder(storeOf(stack.env), ended.row.folder as string, folder);
  return { folder, paths: stored.map(({ path }) => path as string) };
}

/** By sha256sum, gpg and gzip. */
async function openConfig(stack: Stack, folder: string): Promise<ProjectConfig> {
  const listed = run('sha256sum', ['-c', 'checksums.sha256'], { cwd: folder }).toString();
  assert.ok(listed.includes(`${PATH}: OK`), listed);
  const home = await mkdtemp(join(tmpdir(), 'hf-gpg-'));
  const env = { GNUPGHOME: home };
  try {
    run('gpg', ['--batch', '--quiet', '--import', stack.env.PGP_PRIVATE_KEY_FILE!], { env });
    const packed = run('gpg', ['--batch', '--quiet', '--decrypt', join(folder, PATH)], { env });
    return JSON.parse(run('gzip', ['-dc'], { input: packed }).toString());
  } finally {
    run('gpgconf', ['--kill', 'all'], { env });
    await rm(home, { recursive: true, force: true });
  }
}
