/** The export into a real S3 server, and what that server can say no to. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsClient } from 'aws4fetch';
import getPort from 'get-port';
import type { Store } from '../../../supabase/functions/_shared/stores/store.ts';
import { copyFolder } from '../../support/copy-folder.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { type RunningRgw, rgwInstalled, startRgw } from '../../support/rgw/start-rgw.ts';
import { storeOf } from '../../support/store-of.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { exportJson, type Keyring, makeKeyring, run, runExport, startExport, withSql } from './export-harness.ts';

const skip = rgwInstalled() ? false : 'Ceph RGW is not installed';

describe('export into S3', { skip }, () => {
  let rgw: RunningRgw;
  let keys: Keyring;
  let database: TestDatabase;
  let env: Record<string, string>;
  let store: Store;

  before(async () => {
    rgw = await startRgw();
    await rgw.createBucket('backups');
    keys = makeKeyring();
    database = await createTestDatabase({ major: POSTGRES_MAJORS[0]!, template: 'demo' });
    env = {
      DATABASE_URL: database.url,
      BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys,
      BACKUP_S3_ENDPOINT: rgw.endpoint,
      BACKUP_S3_REGION: 'us-east-1',
      BACKUP_S3_BUCKET: 'backups',
      BACKUP_S3_PREFIX: 'acme/production',
      BACKUP_S3_ACCESS_KEY_ID: rgw.accessKeyId,
      BACKUP_S3_SECRET_ACCESS_KEY: rgw.secretAccessKey,
    };
    store = storeOf(env);
  });

  after(async () => {
    await database?.drop();
    keys?.dispose();
    await rgw?.stop();
  });

  async function keysInStore(): Promise<string[]> {
    const found: string[] = [];
    for await (const { key } of store.list('')) found.push(key);
    return found;
  }

  test('what arrives passes sha256sum and gpg, and the signature is of the manifest', async () => {
    const secret = keys
      .gpg(['--pinentry-mode', 'loopback', '--passphrase', '', '--armor', '--export-secret-keys'])
      .toString();
    const made = await exportJson(['--mode', 'weekly', '--verify', 'deep'], { ...env, BACKUP_SIGNING_KEY: secret });
    assert.equal(made.signed, true);
    assert.equal(made.verified.hashed, made.verified.objects);
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-s3-'));
    try {
      await copyFolder(store, made.folder, directory);
      run('sha256sum', ['--check', '--quiet', 'checksums.sha256'], { cwd: directory });
      keys.gpg(['--verify', join(directory, 'manifest.json.sig'), join(directory, 'manifest.json')]);
      const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8'));
      const { segments } = manifest.tables.find((table: { name: string }) => table.name === 'calendars');
      const rows = run('zstd', ['-dc'], { input: keys.gpg(['--decrypt', join(directory, segments[0])]) });
      assert.equal(rows.toString().trimEnd().split('\n').length, 20);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test('the report names bucket and folder', async () => {
    const { code, stdout, stderr } = await runExport(['--mode', 'emergency'], env);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^✅ Emergency backup completed\n📦 Exported \d+ tables \([\d.]+ [kM]B compressed\)\n🔐 Encrypted with PGP key: Backup <backup@example.com>\n/,
    );
    assert.match(
      stdout,
      /^📍 Backup location: s3:\/\/backups\/acme\/production\/emergency\/\d{4}-\d\d-\d\d-\d\d-\d\d\/emergency_\d{8}_\d{6}_[0-9a-f]{8}\/ on /m,
    );
    assert.match(stdout, /^⏱️ {2}Total time: [\d.]+ seconds\n$/m);
    assert.equal(stderr, '', 'no progress where nobody looks');
  });

  test('a store that says no, or nothing, before a row is read', async () => {
    const before = await keysInStore();
    const cases: [string, number, Record<string, string>][] = [
      ['STORE_DENIED', 4, { BACKUP_S3_SECRET_ACCESS_KEY: 'not-the-secret' }],
      ['STORE_DENIED', 4, { BACKUP_S3_ACCESS_KEY_ID: 'nobody' }],
      ['STORE_BUCKET_MISSING', 4, { BACKUP_S3_BUCKET: 'nowhere' }],
      ['STORE_UNREACHABLE', 4, { BACKUP_S3_ENDPOINT: `http://127.0.0.1:${await getPort()}` }],
    ];
    for (const [expected, exit, changed] of cases) {
      const { code, stdout } = await runExport(['--mode', 'full', '--json'], { ...env, ...changed });
      const { error } = JSON.parse(stdout);
      assert.equal(error.code, expected, stdout);
      assert.equal(code, exit);
      assert.equal(stdout.includes('not-the-secret'), false);
    }
    assert.deepEqual(await keysInStore(), before);
  });

  test('rows in the clear never go where strangers read', async () => {
    await rgw.createBucket('open');
    const client = new AwsClient({
      accessKeyId: rgw.accessKeyId,
      secretAccessKey: rgw.secretAccessKey,
      service: 's3',
      region: 'us-east-1',
    });
    const statement = {
      Effect: 'Allow',
      Principal: '*',
      Action: ['s3:GetObject', 's3:ListBucket'],
      Resource: ['arn:aws:s3:::open', 'arn:aws:s3:::open/*'],
    };
    const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    const answer = await client.fetch(`${rgw.endpoint}/open?policy`, { method: 'PUT', body });
    assert.ok(answer.ok, await answer.text());
    const open = { ...env, BACKUP_S3_BUCKET: 'open' };
    const { code, stdout } = await runExport(['--mode', 'weekly', '--no-encrypt', '--json'], open);
    assert.equal(code, 2);
    assert.equal(JSON.parse(stdout).error.code, 'STORE_PUBLIC');
    assert.equal((await exportJson(['--mode', 'weekly'], open)).status, 'completed', 'encrypted they may');
  });

  test('an interrupted export leaves neither objects nor parts of uploads', async () => {
    await withSql(
      database.adminUrl,
      (sql) => sql`
      create table large as select md5(i::text) || md5((i * 3)::text) as a, md5((i * 7)::text) as b from generate_series(1, 1500000) i`,
    );
    const before = await keysInStore();
    const { child, ended } = startExport(
      ['--mode', 'on-demand', '--tables', 'large', '--no-encrypt', '--codec', 'none'],
      env,
    );
    while (child.exitCode === null && (await keysInStore()).length <= before.length + 1) await sleep(20);
    assert.equal(child.exitCode, null, 'stopped before it was over');
    child.kill('SIGINT');
    assert.equal((await ended).code, 130);
    assert.deepEqual(await keysInStore(), before);
    assert.equal(await store.abortUploads(''), 0);
  });
});
