/** Everything that can be wrong with a stored backup is found before anything is written, and named. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { generateKey } from 'openpgp';
import type { Decipher } from '../../../supabase/functions/_shared/archive/decipher.ts';
import { createNodeDecipher } from '../../../supabase/functions/_shared/decipher-node.ts';
import type { HoldfastError } from '../../../supabase/functions/_shared/errors.ts';
import type { Archive } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { findBackup } from '../../../supabase/functions/_shared/restore/find-backup.ts';
import { openArchive } from '../../../supabase/functions/_shared/restore/open-archive.ts';
import { verifyArchive } from '../../../supabase/functions/_shared/restore/verify-archive.ts';
import { createDirectoryStore } from '../../../supabase/functions/_shared/stores/directory-store.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { exportJson, type Keyring, makeKeyring, run, temporaryDirectory, withSql } from '../export/export-harness.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests change manifests into what the types forbid
type Json = any;

const SCHEMA = `
  create table public.bookings (id integer primary key, guest text);
  insert into public.bookings select n, 'guest ' || n from generate_series(1, 2000) n;
  create table public.rooms (id integer primary key, name text);
  insert into public.rooms values (1, 'blue'), (2, 'red');`;

describe('the integrity of an archive', () => {
  let keys: Keyring;
  let database: TestDatabase;
  let root: string;
  let signed: string;
  let unsigned: string;
  let decipher: Decipher;
  let copies = 0;

  before(async () => {
    keys = makeKeyring();
    root = temporaryDirectory();
    database = await createTestDatabase({ major: POSTGRES_MAJORS[0]!, template: 'empty' });
    await withSql(database.url, (sql) => sql.unsafe(SCHEMA).simple());
    decipher = await createNodeDecipher(privateKey());
    const env = { DATABASE_URL: database.url, BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys };
    const exported = async (out: string, more: Record<string, string>) => {
      const { folder } = await exportJson(['--mode', 'full', '--out', join(root, out)], { ...env, ...more });
      return folder as string;
    };
    signed = await exported('signed', { BACKUP_SIGNING_KEY: privateKey() });
    unsigned = await exported('unsigned', {});
  });

  after(async () => {
    await database?.drop();
    keys?.dispose();
    rmSync(root, { recursive: true, force: true });
  });

  function privateKey(): string {
    return keys.gpg(['--pinentry-mode', 'loopback', '--passphrase', '', '--armor', '--export-secret-keys']).toString();
  }

  /** A copy of the signed backup, changed. */
  function copyWith(change: (folder: string) => void): string {
    const store = join(root, `copy${copies++}`);
    cpSync(join(root, 'signed'), store, { recursive: true });
    change(join(store, signed));
    return store;
  }

  interface Given {
    readonly folder?: string;
    readonly decipher?: Decipher | null;
    readonly verify?: boolean;
  }

  function open(store: string, given: Given = {}): Promise<Archive> {
    return openArchive({
      store: createDirectoryStore(store),
      folder: given.folder ?? signed,
      decipher: given.decipher === undefined ? decipher : given.decipher,
      verificationKeys: given.verify === false ? null : keys.publicKeys,
    });
  }

  async function openAndVerify(store: string, given: Given = {}): Promise<Archive> {
    const archive = await open(store, given);
    const paths = archive.manifest.objects.filter((object) => object.kind !== 'tool').map((object) => object.path);
    await verifyArchive(archive, { paths, jobs: 3 });
    return archive;
  }

  async function failure(work: Promise<unknown>): Promise<HoldfastError> {
    return await work.then(
      () => assert.fail('nothing was noticed'),
      (error) => error,
    );
  }

  function editManifest(folder: string, edit: (manifest: Json) => void, sign: boolean): void {
    const file = join(folder, 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    edit(manifest);
    writeFileSync(file, JSON.stringify(manifest));
    if (!sign) return;
    rmSync(`${file}.sig`);
    const silent = ['--pinentry-mode', 'loopback', '--passphrase', ''];
    keys.gpg([...silent, '--detach-sign', '--output', `${file}.sig`, file]);
  }

  function segmentOf(table: string, store = 'signed', folder = signed): string {
    const manifest = JSON.parse(readFileSync(join(root, store, folder, 'manifest.json'), 'utf8'));
    return manifest.tables.find((one: Json) => one.name === table).segments[0];
  }

  async function assertDamaged(store: string, path: string, why: RegExp): Promise<void> {
    const error = await failure(openAndVerify(store));
    assert.equal(error.code, 'ARCHIVE_DAMAGED', error.message);
    assert.ok(error.message.includes(`'${path}'`), error.message);
    assert.match(error.message, why);
  }

  test('a whole archive opens, names its signer, and gives the rows that gpg and zstd give', async () => {
    const archive = await openAndVerify(join(root, 'signed'));
    assert.ok(keys.gpg(['--with-colons', '--list-keys']).toString().includes(`:${archive.signedBy}:`));
    assert.equal((await open(join(root, 'signed'), { verify: false })).signedBy, null);
    for (const { path, kind } of archive.manifest.objects) {
      const hash = createHash('sha256');
      for await (const bytes of archive.read(path)) hash.update(bytes);
      const file = join(root, 'signed', signed, path);
      const expected = kind === 'tool' ? readFileSync(file) : run('zstd', ['-dc'], { input: keys.gpg(['-d', file]) });
      assert.equal(hash.digest('hex'), createHash('sha256').update(expected).digest('hex'), path);
    }
  });

  test('the backup is found by id, by folder and as the latest', async () => {
    const store = createDirectoryStore(join(root, 'signed'));
    const id = signed.split('/').at(-1)!;
    for (const wanted of [id, signed, `${signed}/`, `./${signed}/manifest.json`, 'latest']) {
      assert.equal(await findBackup(store, wanted), signed, wanted);
    }
    const itself = createDirectoryStore(join(root, 'signed', signed));
    assert.equal(await findBackup(itself, '.'), '');
    await openArchive({ store: itself, folder: '', decipher, verificationKeys: keys.publicKeys });
  });

  test('a flipped byte anywhere in a segment', async () => {
    const path = segmentOf('bookings');
    const size = readFileSync(join(root, 'signed', signed, path)).length;
    for (const at of [0, 10, 100, Math.floor(size / 2), size - 1]) {
      const store = copyWith((folder) => {
        const bytes = readFileSync(join(folder, path));
        bytes[at]! ^= 1;
        writeFileSync(join(folder, path), bytes);
      });
      await assertDamaged(store, path, /its SHA-256 is [0-9a-f]{64}, the manifest states [0-9a-f]{64}/);
    }
  });

  test('a flipped byte in the object that the key is tried on is damage, not a wrong key', async () => {
    const { manifest } = await open(join(root, 'signed'));
    const encrypted = manifest.objects.filter((object) => object.kind !== 'tool');
    const smallest = encrypted.sort((a, b) => a.size - b.size)[0]!;
    const store = copyWith((folder) => {
      const bytes = readFileSync(join(folder, smallest.path));
      bytes[30]! ^= 1;
      writeFileSync(join(folder, smallest.path), bytes);
    });
    const error = await failure(open(store));
    assert.equal(error.code, 'ARCHIVE_DAMAGED', error.message);
    assert.equal(error.details.object, smallest.path);
  });

  test('a segment that is cut off, and one with bytes added', async () => {
    const path = segmentOf('bookings');
    const cut = copyWith((folder) => truncateSync(join(folder, path), 100));
    await assertDamaged(cut, path, /it has 100 bytes, the manifest states \d+/);
    const longer = copyWith((folder) => writeFileSync(join(folder, path), 'more', { flag: 'a' }));
    await assertDamaged(longer, path, /more than the \d+ bytes/);
  });

  test('a missing segment, and all damaged objects in one error', async () => {
    const path = segmentOf('bookings');
    await assertDamaged(
      copyWith((folder) => rmSync(join(folder, path))),
      path,
      /missing from the store/,
    );
    // The key is tried on the smallest object, so that the largest are left to the verification.
    const { manifest } = await open(join(root, 'signed'));
    const encrypted = manifest.objects.filter((object) => object.kind !== 'tool').sort((a, b) => b.size - a.size);
    const [first, second, third] = encrypted.map((object) => object.path) as [string, string, string];
    const store = copyWith((folder) => {
      rmSync(join(folder, first));
      writeFileSync(join(folder, second), 'nothing');
      truncateSync(join(folder, third), 50);
    });
    const error = await failure(openAndVerify(store));
    const named = (error.details.objects as { object: string }[]).map((one) => one.object);
    assert.deepEqual(named.sort(), [first, second, third].sort());
    assert.match(error.message, /^3 of \d+ objects are damaged/);
  });

  test('a segment swapped with that of another backup, and two swapped in one', async () => {
    const path = segmentOf('bookings');
    const other = join(root, 'unsigned', unsigned, segmentOf('bookings', 'unsigned', unsigned));
    const swapped = copyWith((folder) => cpSync(other, join(folder, path)));
    await assertDamaged(swapped, path, /SHA-256|bytes/);
    const within = copyWith((folder) => cpSync(join(folder, segmentOf('rooms')), join(folder, path)));
    await assertDamaged(within, path, /bytes/);
  });

  test('a segment doubled in the manifest, even when everything else was made to agree', async () => {
    const path = segmentOf('bookings');
    const store = copyWith((folder) => {
      editManifest(
        folder,
        (manifest) => {
          const table = manifest.tables.find((one: Json) => one.name === 'bookings');
          table.segments.push(path);
          table.rows *= 2;
          manifest.totals.rows += table.rows / 2;
        },
        true,
      );
    });
    const error = await failure(openAndVerify(store));
    assert.equal(error.code, 'MANIFEST_INVALID', error.message);
    assert.ok(error.message.includes(`'${path}' twice`), error.message);
    const listed = copyWith((folder) => {
      editManifest(folder, (manifest) => manifest.objects.push(manifest.objects[0]), true);
    });
    assert.match((await failure(open(listed))).message, /listed twice/);
  });

  test('an edited manifest, with the signature of what it was', async () => {
    const store = copyWith((folder) => {
      editManifest(
        folder,
        (manifest) => {
          manifest.reason = 'edited';
        },
        false,
      );
    });
    assert.equal((await failure(open(store))).code, 'SIGNATURE_INVALID');
  });

  test('a manifest that another key signed', async () => {
    const stranger = makeKeyring('Stranger <stranger@example.com>');
    try {
      const store = copyWith((folder) => {
        const file = join(folder, 'manifest.json');
        rmSync(`${file}.sig`);
        const silent = ['--pinentry-mode', 'loopback', '--passphrase', ''];
        stranger.gpg([...silent, '--detach-sign', '--output', `${file}.sig`, file]);
      });
      assert.equal((await failure(open(store))).code, 'SIGNATURE_INVALID');
    } finally {
      stranger.dispose();
    }
  });

  test('a signature that is missing, with a key to verify it and without', async () => {
    const store = copyWith((folder) => rmSync(join(folder, 'manifest.json.sig')));
    for (const verify of [true, false]) {
      const error = await failure(open(store, { verify }));
      assert.equal(error.code, 'SIGNATURE_INVALID');
      assert.match(error.message, /manifest\.json\.sig is missing/);
    }
  });

  test('an unsigned manifest while a key is given; without the key it opens', async () => {
    const error = await failure(open(join(root, 'unsigned'), { folder: unsigned }));
    assert.equal(error.code, 'SIGNATURE_INVALID');
    assert.match(error.message, /unsigned/);
    assert.match(error.hint, /give no verification key/);
    const archive = await openAndVerify(join(root, 'unsigned'), { folder: unsigned, verify: false });
    assert.equal(archive.signedBy, null);
  });

  test('a newer major version of the manifest', async () => {
    const store = copyWith((folder) => {
      editManifest(
        folder,
        (manifest) => {
          manifest.version.major = 2;
        },
        true,
      );
    });
    const error = await failure(open(store));
    assert.equal(error.code, 'MANIFEST_TOO_NEW');
    assert.match(error.message, /version 2/);
  });

  test('the signed manifest of another backup in the place of this one', async () => {
    const older = signed.replace(/[0-9a-f]{8}$/, '00000000');
    const store = copyWith((folder) => cpSync(folder, join(dirname(folder), '../../', older), { recursive: true }));
    const error = await failure(open(store, { folder: older }));
    assert.equal(error.code, 'MANIFEST_INVALID');
    assert.ok(error.message.includes(signed.split('/').at(-1)!), error.message);
  });

  test('a private key of somebody else, and none at all, before any object is verified', async () => {
    const stranger = await generateKey({ userIDs: [{ name: 'Stranger', email: 'stranger@example.com' }] });
    const wrong = await failure(
      open(join(root, 'signed'), { decipher: await createNodeDecipher(stranger.privateKey) }),
    );
    assert.equal(wrong.code, 'DECRYPTION_FAILED');
    assert.match(wrong.message, /^object '.+\.pgp': the message does not decrypt: none of the private keys opens it/);
    const { manifest } = await open(join(root, 'signed'));
    const none = await failure(open(join(root, 'signed'), { decipher: null }));
    assert.equal(none.code, 'KEY_UNUSABLE');
    assert.ok(none.message.includes(manifest.encryption!.recipients[0]!.fingerprint), none.message);
  });

  test('a locked private key without its passphrase, and with a wrong one', async () => {
    const { privateKey: locked } = await generateKey({
      userIDs: [{ name: 'Locked', email: 'locked@example.com' }],
      passphrase: 'correct horse',
    });
    for (const passphrase of [undefined, 'wrong']) {
      const error = await failure(createNodeDecipher(locked, passphrase));
      assert.equal(error.code, 'KEY_UNUSABLE');
      assert.match(error.message, /locked@example\.com/);
      assert.doesNotMatch(error.message, /wrong/);
    }
    await createNodeDecipher(locked, 'correct horse');
  });

  test('a folder without a manifest is no backup', async () => {
    const store = copyWith((folder) => rmSync(join(folder, 'manifest.json')));
    const id = signed.split('/').at(-1)!;
    assert.equal((await failure(open(store))).code, 'BACKUP_MISSING');
    for (const wanted of [id, signed, 'latest']) {
      const error = await failure(findBackup(createDirectoryStore(store), wanted));
      assert.equal(error.code, 'BACKUP_MISSING', wanted);
    }
  });
});
