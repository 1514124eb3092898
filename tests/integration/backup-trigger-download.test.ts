import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Manifest, ManifestObject } from '../../supabase/functions/_shared/domain/manifest-types.ts';
import { createMemoryStore } from '../../supabase/functions/_shared/stores/memory-store.ts';
import { createS3Store } from '../../supabase/functions/_shared/stores/s3-store.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { NO_S3, openTestS3 } from '../support/rgw/test-s3.ts';
import { insertRun, startTrigger, type Trigger } from './backup-trigger-harness.ts';

const LIST = '/backup-trigger/backups';
const store = createMemoryStore();
let trigger: Trigger;
before(async () => {
  trigger = await startTrigger({ store });
});
after(() => trigger?.close());

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A stored backup of `count` objects, and its run in the ledger. */
async function storeBackup(
  into: { store: Store; trigger: Trigger },
  count: number,
): Promise<{ id: string; folder: string; objects: ManifestObject[] }> {
  const folder = `manual/2026-01-14-02-00/backup-${count}-${Math.random().toString(16).slice(2)}`;
  const objects: ManifestObject[] = [];
  for (let index = 0; index < count; index += 1) {
    const bytes = new TextEncoder().encode(`object ${index} of ${folder}`);
    const path = `tables/public.t%20${String(index).padStart(4, '0')}.copy`;
    objects.push({ path, kind: 'config', size: bytes.length, sha256: sha256(bytes), raw_bytes: bytes.length });
    await into.store.put(`${folder}/${path}`, bytes);
  }
  const bytes = new TextEncoder().encode(JSON.stringify(manifestOf(objects)));
  await into.store.put(`${folder}/manifest.json`, bytes);
  await into.store.put(`${folder}/manifest.json.sig`, new TextEncoder().encode('signature'));
  const id = await insertRun(into.trigger.sql, { folder, manifestSha256: sha256(bytes), cadence: 'monthly' });
  return { id, folder, objects };
}

function manifestOf(objects: ManifestObject[]): Manifest {
  const bytes = objects.reduce((sum, object) => sum + object.size, 0);
  return {
    format: 'holdfast-archive',
    version: { major: 1, minor: 0 },
    backup_id: 'manual_20260114_020000_00000000',
    cadence: 'manual',
    period: '2026-01-14-02-00',
    scope: 'full',
    created_at: '2026-01-14T02:00:00.000Z',
    completed_at: '2026-01-14T02:10:00.000Z',
    status: 'completed',
    limits: [],
    tool: { name: 'holdfast', version: '0.1.0' },
    source: {
      database: 'postgres',
      server_version: '17.4',
      server_version_num: 170004,
      encoding: 'UTF8',
      supabase: true,
    },
    consistency: {
      snapshot: null,
      pg_snapshot: '1:1:',
      lsn: '0/1',
      taken_at: '2026-01-14T02:00:01.000Z',
      way: 'single-transaction',
    },
    data_format: 'copy',
    codec: 'none',
    encryption: null,
    signing: null,
    schema: { managed_schemas: [], extensions: [], sections: [] },
    tables: [],
    objects,
    totals: { tables: 0, rows: 0, objects: objects.length, raw_bytes: bytes, stored_bytes: bytes },
  };
}

async function accesses(of: Trigger, id: string) {
  return await of.sql`
    select event_type, event_category, severity, user_id, event_data from public.security_events_log
    where event_type = 'backup_accessed' and event_data ->> 'backup_id' = ${id} order by created_at`;
}

test('a download lists the manifest, its signature and every object, and is recorded before it is answered', async () => {
  const { id, folder, objects } = await storeBackup({ store, trigger }, 3);
  const headers = { authorization: `Bearer ${trigger.tokens.JWT_ADMIN}` };
  const { status, body } = await trigger.call(`${LIST}/${id}/download`, { headers });
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.folder, folder);
  assert.deepEqual(body.manifest.objects, objects);
  assert.deepEqual(
    body.files.map((file: { path: string }) => file.path),
    ['manifest.json', 'manifest.json.sig', ...objects.map(({ path }) => path)],
  );
  assert.deepEqual(
    body.files.slice(2).map(({ sha256 }: { sha256: string }) => sha256),
    objects.map((object) => object.sha256),
  );
  assert.equal(body.file_count, 5);
  assert.equal(body.next_cursor, null);
  assert.deepEqual(
    [...(await accesses(trigger, id))],
    [
      {
        event_type: 'backup_accessed',
        event_category: 'data_access',
        severity: 'medium',
        user_id: trigger.userId('JWT_ADMIN'),
        event_data: {
          backup_id: id,
          backup_type: 'monthly',
          backup_date: '2026-01-14',
          action: 'download',
          by: 'user',
        },
      },
    ],
  );
});

test('a large backup is listed in pages, each file once, the manifest once, each page recorded', async () => {
  const { id } = await storeBackup({ store, trigger }, 7);
  const paths: string[] = [];
  const manifests: unknown[] = [];
  let cursor: string | null = null;
  let pages = 0;
  do {
    const { status, body } = await trigger.get(`${LIST}/${id}/download?limit=4${cursor ? `&cursor=${cursor}` : ''}`);
    assert.equal(status, 200);
    paths.push(...body.files.map((file: { path: string }) => file.path));
    if (body.manifest) manifests.push(body.manifest);
    cursor = body.next_cursor;
    pages += 1;
  } while (cursor !== null);
  assert.equal(pages, 3);
  assert.equal(new Set(paths).size, 9);
  assert.equal(manifests.length, 1);
  const recorded = await accesses(trigger, id);
  assert.equal(recorded.length, 3);
  assert.equal(recorded[0]?.user_id, null);
  assert.equal(recorded[0]?.event_data.by, 'service key');
});

test('a backup that failed verification can still be read, and says so', async () => {
  const { id } = await storeBackup({ store, trigger }, 1);
  await trigger.sql`
    update public.backup_log set status = 'failed', error = '{"code": "VERIFICATION_FAILED"}' where backup_id = ${id}`;
  await trigger.sql`
    insert into public.backup_verification (backup_id, verification_type, success, details)
    values (${id}, 'checksum', false, '{"kind": "deep", "state": "failed"}')`;
  const { status, body } = await trigger.get(`${LIST}/${id}/download`);
  assert.equal(status, 200);
  assert.equal(body.status, 'failed');
  assert.equal(body.verification.state, 'failed');
});

test('a backup without a manifest cannot be downloaded, and the attempt is no access', async () => {
  for (const status of ['in_progress', 'failed', 'cancelled']) {
    const id = await insertRun(trigger.sql, { status, folder: 'manual/x/y' });
    const answer = await trigger.get(`${LIST}/${id}/download`);
    assert.equal(answer.status, 409, status);
    assert.equal(answer.body.error.code, 'RUN_NOT_COMPLETE');
    assert.equal((await accesses(trigger, id)).length, 0);
  }
});

test('a manifest that was changed or removed hands out no URL', async () => {
  const changed = await storeBackup({ store, trigger }, 1);
  await store.put(`${changed.folder}/manifest.json`, new TextEncoder().encode(JSON.stringify(manifestOf([]))));
  const first = await trigger.get(`${LIST}/${changed.id}/download`);
  assert.equal(first.body.error.code, 'OBJECT_CORRUPT');
  const removed = await storeBackup({ store, trigger }, 1);
  await store.delete(`${removed.folder}/manifest.json`);
  const second = await trigger.get(`${LIST}/${removed.id}/download`);
  assert.equal(second.status, 404);
  assert.equal(second.body.error.code, 'OBJECT_MISSING');
});

test('wrong cursors are refused', async () => {
  const { id } = await storeBackup({ store, trigger }, 1);
  for (const cursor of ['x', btoa('{"from":-1}'), btoa('{"from":1.5}'), btoa('{}'), btoa('{"from":"0"}')]) {
    assert.equal(
      (await trigger.get(`${LIST}/${id}/download?cursor=${encodeURIComponent(cursor)}`)).status,
      400,
      cursor,
    );
  }
});

test('with an S3 store every URL reads its object without credentials for 15 minutes', { skip: NO_S3 }, async () => {
  const server = await openTestS3();
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const bucket = await server.createBucket();
  const s3 = createS3Store({
    endpoint,
    accessKeyId,
    secretAccessKey,
    bucket,
    region: 'us-east-1',
    prefix: 'deep/prefix',
  });
  const own = await startTrigger({ store: s3 });
  try {
    const { id } = await storeBackup({ store: s3, trigger: own }, 3);
    const { body } = await own.get(`${LIST}/${id}/download`);
    for (const file of body.files) {
      const response = await fetch(file.url);
      const bytes = new Uint8Array(await response.arrayBuffer());
      assert.equal(response.status, 200, file.path);
      assert.equal(bytes.length, file.size);
      if (file.sha256) assert.equal(sha256(bytes), file.sha256);
      assert.equal(new URL(file.url).searchParams.get('X-Amz-Expires'), '900');
    }
    const minutes = (Date.parse(body.urls_expire_at) - Date.now()) / 60_000;
    assert.ok(minutes > 14 && minutes <= 15, `${minutes}`);
    const unsigned = new URL(body.files[0].url);
    assert.equal((await fetch(`${unsigned.origin}${unsigned.pathname}`)).status, 403);
    unsigned.pathname = unsigned.pathname.replace('manifest.json', 'manifest.json.sig');
    assert.equal((await fetch(unsigned)).status, 403);
  } finally {
    await own.close();
    await server.stop();
  }
});
