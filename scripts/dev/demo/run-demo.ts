/** The demo's steps, in order. Throws when one does not hold; the stack is always taken down. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Stack, startStack } from '../stack/start-stack.ts';
import { type Api, callApi, waitFor } from './api.ts';
import { dumpDatabase, firstDifference } from './dump-database.ts';
import { fetchArchive } from './fetch-archive.ts';
import { restoreInto } from './restore-archive.ts';
import { type Story, size } from './tell-story.ts';

/** The ledger goes on while the backup is made and read, so its own rows differ from those of the snapshot. */
const LEDGER = [
  'public.backup_log',
  'public.backup_verification',
  'public.system_health_alerts',
  'public.security_events_log',
  'backup.*',
];

export interface DemoResult {
  readonly backup_id: string;
  readonly status: string;
  readonly tables: number;
  readonly rows: number;
  readonly raw_bytes: number;
  readonly stored_bytes: number;
  readonly seconds: number;
  readonly verified: boolean;
  readonly restored_identical: boolean;
}

export async function runDemo(options: { rows: number; pg: 15 | 17 }, story: Story): Promise<DemoResult> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-demo-'));
  const up = story.step('Start PostgreSQL, functions and S3');
  const stack = await startStack({ pg: options.pg, rows: options.rows });
  try {
    up(`PostgreSQL ${options.pg}, Deno 2.1.4, ${stack.env.BACKUP_S3_ENDPOINT}`);
    return await backUpAndRestore(stack, join(directory, 'archive'), story);
  } finally {
    await stack.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function backUpAndRestore(stack: Stack, archive: string, story: Story): Promise<DemoResult> {
  const api = { url: stack.env.SUPABASE_URL!, key: stack.env.SUPABASE_SERVICE_ROLE_KEY! };
  const startedAt = Date.now();
  const backup = await takeBackup(api, story);
  const seconds = (Date.now() - startedAt) / 1000;
  await verify(api, backup.backup_id, story);
  await download(api, backup.backup_id, { archive, story });
  const identical = await restoreAndCompare(stack, archive, story);
  story.line('');
  story.line(
    `  ${backup.row_count} rows of ${backup.table_count} tables: ${size(backup.raw_bytes)} became ${size(backup.stored_bytes)} in ${seconds.toFixed(1)} s`,
  );
  story.line(`  in the store   ${backup.location}/${backup.folder}`);
  return {
    backup_id: backup.backup_id,
    status: backup.status,
    tables: backup.table_count,
    rows: backup.row_count,
    raw_bytes: backup.raw_bytes,
    stored_bytes: backup.stored_bytes,
    seconds,
    verified: true,
    restored_identical: identical,
  };
}

async function takeBackup(api: Api, story: Story) {
  const done = story.step('Back up with the edge functions');
  const { backup_id: id } = await callApi(api, 'POST', '', { scope: 'full', cadence: 'manual', reason: 'demo' });
  const backup = await waitFor('the backup', 90_000, async () => {
    const state = await callApi(api, 'GET', `/backups/${id}`);
    if (state.status === 'failed') throw new Error(`the backup failed: ${JSON.stringify(state.error)}`);
    return state.status === 'in_progress' ? null : state;
  });
  done(`${id}: ${backup.status}, ${backup.row_count} rows, ${size(backup.stored_bytes)}`);
  return backup;
}

async function verify(api: Api, id: string, story: Story): Promise<void> {
  const done = story.step('Verify every stored byte');
  await callApi(api, 'POST', `/backups/${id}/verify`, { kind: 'deep' });
  const verdict = await waitFor('the verification', 60_000, async () => {
    const { verification } = await callApi(api, 'GET', `/backups/${id}`);
    return verification?.kind === 'deep' && verification.state !== 'in_progress' ? verification : null;
  });
  if (verdict.success !== true) throw new Error(`the verification says: ${JSON.stringify(verdict)}`);
  done(`${verdict.details.objects} objects, ${size(verdict.details.bytes)} read and hashed`);
}

async function download(api: Api, id: string, { archive, story }: { archive: string; story: Story }): Promise<void> {
  const done = story.step('Download it by presigned links');
  let cursor: string | null = null;
  let count = 0;
  do {
    const page = await callApi(
      api,
      'GET',
      `/backups/${id}/download${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ''}`,
    );
    await fetchArchive(page.files, archive);
    count += page.files.length;
    cursor = page.next_cursor;
  } while (cursor);
  done(`${count} files`);
}

async function restoreAndCompare(stack: Stack, archive: string, story: Story): Promise<boolean> {
  const restored = story.step('Restore with gpg, zstd and psql');
  const target = await restoreInto(stack, archive, 'restored');
  restored('restore.sh into a fresh database');
  const compared = story.step('Compare both with pg_dump');
  const source = await dumpDatabase(stack.env.DATABASE_URL!, { excludeData: LEDGER });
  const copy = await dumpDatabase(target, { excludeData: LEDGER });
  const difference = firstDifference(source, copy);
  const identical = difference === null;
  compared(identical ? `identical: ${source.length} lines of pg_dump, none differs` : 'DIFFERENT');
  if (difference) story.line(difference);
  return identical;
}
