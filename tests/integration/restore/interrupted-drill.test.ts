/** A drill that was stopped, or that lost its store, proves nothing and says so. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS } from '../../../supabase/functions/_shared/errors.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import type { Archive, RestoreEvent } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { type DrillReport, runDrill } from '../../../supabase/functions/_shared/restore/run-drill.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { type RunningRgw, rgwInstalled, startRgw } from '../../support/rgw/start-rgw.ts';
import { startScript } from '../../support/run-script.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { exportJson, type Keyring, makeKeyring, temporaryDirectory } from '../export/export-harness.ts';
import { type MadeBackup, makeBackup } from './restore-harness.ts';

const MAJOR = POSTGRES_MAJORS[0]!;
let keys: Keyring;
let out: string;
let source: TestDatabase;
let backup: MadeBackup;

before(async () => {
  keys = makeKeyring();
  out = temporaryDirectory();
  writeFileSync(join(out, 'private.asc'), keys.gpg(['--armor', '--export-secret-keys']));
  source = await createTestDatabase({ major: MAJOR, template: 'demo' });
  backup = await makeBackup(source.url, { keys, out: join(out, 'store') });
});

after(async () => {
  await source.drop();
  keys.dispose();
  rmSync(out, { recursive: true, force: true });
});

interface Harm {
  readonly signal?: AbortSignal;
  readonly onCheck?: (name: string) => void;
  readonly onEvent?: (event: RestoreEvent) => void;
  readonly read?: (archive: Archive, path: string) => AsyncIterable<Uint8Array>;
}

async function drill({ signal, onCheck, onEvent, read }: Harm): Promise<DrillReport> {
  const archive = await backup.open();
  const own = { ...archive, read: (path: string) => (read ? read(archive, path) : archive.read(path)) };
  return await runDrill({
    archive: own,
    platform: nodePlatform,
    jobs: 2,
    signal,
    onEvent,
    onCheck: ({ name }) => onCheck?.(name),
    async openDatabase() {
      const database = await createTestDatabase({ major: MAJOR, template: 'supabase' });
      return { url: database.adminUrl, description: 'a test database', destroy: () => database.drop() };
    },
  });
}

test('stopped between two checks it is inconclusive, though the rows were counted', async () => {
  const stop = new AbortController();
  const report = await drill({
    signal: stop.signal,
    onCheck: (name) => {
      if (name === 'row-counts') stop.abort(new Error('stopped by the test'));
    },
  });
  assert.equal(report.checks.find(({ name }) => name === 'row-counts')!.verdict, 'passed');
  assert.equal(report.verdict, 'inconclusive');
  assert.deepEqual(report.error, {
    code: 'RESTORE_INTERRUPTED',
    message: 'the drill was interrupted',
    hint: 'Its database was thrown away. Start the drill again.',
  });
});

test('stopped while rows are loaded it is inconclusive too', async () => {
  const stop = new AbortController();
  const report = await drill({
    signal: stop.signal,
    onEvent: ({ type }) => {
      if (type === 'rows') stop.abort(new Error('stopped by the test'));
    },
  });
  assert.deepEqual([report.verdict, report.error?.code], ['inconclusive', 'RESTORE_INTERRUPTED']);
  assert.match(report.error!.hint, /thrown away/);
});

/** From the check of content on, which reads the rows of the backup once more. */
function onceCompared(harm: () => AsyncIterable<Uint8Array>): Harm {
  let counted = false;
  return {
    onCheck: (name) => {
      counted ||= name === 'row-counts';
    },
    read: (archive, path) => (counted && path.includes('bookings') ? harm() : archive.read(path)),
  };
}

test('a store that falls silent while the content is compared ends the drill with its own error', async () => {
  // biome-ignore lint/correctness/useYield: a source that fails before its first block
  const silent = async function* (): AsyncGenerator<Uint8Array> {
    throw ERRORS.STORE_UNREACHABLE('the store does not answer');
  };
  await assert.rejects(drill(onceCompared(silent)), { code: 'STORE_UNREACHABLE', kind: 'transient' });
});

test('an object that is damaged meanwhile fails the drill by the check of content', async () => {
  // biome-ignore lint/correctness/useYield: a source that fails before its first block
  const damaged = async function* (): AsyncGenerator<Uint8Array> {
    throw ERRORS.ARCHIVE_DAMAGED("object 'tables/public/bookings' is damaged", { details: { object: 'x' } });
  };
  const report = await drill(onceCompared(damaged));
  assert.equal(report.verdict, 'failed');
  const content = report.checks.find(({ name }) => name === 'content')!;
  assert.equal(content.verdict, 'failed');
  assert.match(
    content.findings.join('\n'),
    /public\.bookings: its rows in the backup could not be read: .* is damaged/,
  );
});

describe('a store that never answers', { skip: rgwInstalled() ? false : 'Ceph RGW is not installed' }, () => {
  let rgw: RunningRgw;
  before(async () => {
    rgw = await startRgw();
    await rgw.createBucket('backups');
  });
  after(() => rgw?.stop());

  for (const script of ['restore.ts', 'test-backup-restore.ts']) {
    test(`holds no interrupted ${script}`, { timeout: 180_000 }, async () => {
      const proxy = await startFaultProxy(rgw.endpoint);
      const target = await createTestDatabase({ major: MAJOR, template: 'supabase' });
      const store = {
        BACKUP_S3_REGION: 'us-east-1',
        BACKUP_S3_BUCKET: 'backups',
        BACKUP_S3_ACCESS_KEY_ID: rgw.accessKeyId,
        BACKUP_S3_SECRET_ACCESS_KEY: rgw.secretAccessKey,
      };
      try {
        const made = await exportJson(['--mode', 'full'], {
          DATABASE_URL: source.url,
          BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys,
          BACKUP_S3_ENDPOINT: rgw.endpoint,
          ...store,
        });
        proxy.inject({ harm: { kind: 'silence' }, method: 'GET', url: '/tables/public.', times: 100 });
        const chosen = script === 'restore.ts' ? [made.backup_id] : ['--backup', made.backup_id];
        const { child, ended } = startScript(
          script,
          [...chosen, '--private-key-file', join(out, 'private.asc'), '--json'],
          { RESTORE_TARGET_URL: target.url, BACKUP_S3_ENDPOINT: proxy.endpoint, ...store },
        );
        while (proxy.pending() === 100 && child.exitCode === null) await sleep(20);
        const begun = performance.now();
        child.kill('SIGTERM');
        const { code, stdout, stderr } = await ended;
        assert.equal(code, 130, `${stdout}${stderr}${proxy.requests.join('\n')}`);
        assert.ok(performance.now() - begun < 60_000, 'an answer is waited for two minutes');
      } finally {
        await proxy.close();
        await target.drop();
      }
    });
  }
});
