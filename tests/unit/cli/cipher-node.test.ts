import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { decrypt, decryptKey, readMessage, readPrivateKey } from 'openpgp';
import { createNodeCipher } from '../../../supabase/functions/_shared/cipher-node.ts';

const home = mkdtempSync(join(tmpdir(), 'holdfast-gpg-'));
let publicKeys = '';
let privateKey = '';

function gpg(args: string[], input?: Uint8Array): Buffer {
  const options = { input, maxBuffer: 1 << 28, env: { ...process.env, GNUPGHOME: home } };
  const { status, stdout, stderr } = spawnSync('gpg', ['--batch', '--quiet', ...args], options);
  assert.equal(status, 0, stderr.toString());
  return stdout;
}

before(() => {
  const make = (name: string, type: string) =>
    gpg(['--pinentry-mode', 'loopback', '--passphrase', '', '--quick-generate-key', name, type, 'default', 'never']);
  make('RSA <rsa@example.com>', 'rsa2048');
  gpg([
    '--pinentry-mode',
    'loopback',
    '--passphrase',
    '',
    '--quick-add-key',
    fingerprint('rsa@example.com'),
    'rsa2048',
    'encr',
    'never',
  ]);
  make('Curve <curve@example.com>', 'future-default');
  publicKeys = gpg(['--armor', '--export']).toString();
  privateKey = gpg(['--armor', '--export-secret-keys', 'rsa@example.com']).toString();
});

after(() => {
  spawnSync('gpgconf', ['--kill', 'gpg-agent'], { env: { ...process.env, GNUPGHOME: home } });
  rmSync(home, { recursive: true, force: true });
});

function fingerprint(name: string): string {
  return /^fpr:+([0-9A-F]+):/m.exec(gpg(['--with-colons', '--list-keys', name]).toString())![1]!;
}

async function encrypted(blocks: Uint8Array[]): Promise<Buffer> {
  const cipher = await createNodeCipher(publicKeys);
  const source = (async function* () {
    yield* blocks;
  })();
  const parts: Uint8Array[] = [];
  for await (const bytes of cipher.encrypt(source)) parts.push(bytes);
  return Buffer.concat(parts);
}

const sizes = [0, 1, 511, 512, 262_137, 262_138, 262_139, 262_144, 524_288, 524_282, 1_000_003, 3_000_000];

function randomBlock(size: number): Uint8Array {
  const block = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(block.subarray(at, Math.min(size, at + 65_536)));
  return block;
}

test('gpg reads what was written, at every edge of a part', async () => {
  for (const size of sizes) {
    const block = randomBlock(size);
    const message = await encrypted([block]);
    assert.deepEqual(gpg(['--decrypt'], message), Buffer.from(block), `${size} bytes`);
  }
});

test('every recipient alone can open the message, and gpg finds its integrity protected', async () => {
  const message = await encrypted([new TextEncoder().encode('rows')]);
  const file = join(home, 'message.pgp');
  writeFileSync(file, message);
  const packets = gpg(['--list-packets', file]).toString();
  assert.equal(packets.match(/:pubkey enc packet:/g)?.length, 2);
  assert.match(packets, /:encrypted data packet:[\s\S]*mdc_method: 2/);
  const key = await readPrivateKey({ armoredKey: privateKey });
  const { data } = await decrypt({
    message: await readMessage({ binaryMessage: new Uint8Array(message) }),
    decryptionKeys: key.isDecrypted() ? key : await decryptKey({ privateKey: key, passphrase: '' }),
    format: 'binary',
  });
  assert.equal(new TextDecoder().decode(data as Uint8Array), 'rows');
});

test('one flipped bit anywhere is noticed', async () => {
  const message = await encrypted([randomBlock(300_000)]);
  for (const at of [message.length - 1, message.length - 30, message.length - 150_000]) {
    const damaged = Buffer.from(message);
    damaged[at]! ^= 1;
    const options = { input: damaged, maxBuffer: 1 << 28, env: { ...process.env, GNUPGHOME: home } };
    assert.notEqual(spawnSync('gpg', ['--batch', '--quiet', '--decrypt'], options).status, 0, `byte ${at}`);
  }
});

test('any cut of any bytes into blocks gives the bytes', { timeout: 180_000 }, async () => {
  const blocks = fc.array(fc.oneof(fc.uint8Array({ maxLength: 2000 }), fc.constantFrom(...sizes).map(randomBlock)), {
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(blocks, async (list) => {
      const expected = Buffer.concat(list);
      assert.deepEqual(gpg(['--decrypt'], await encrypted(list)), expected);
    }),
    { numRuns: 25 },
  );
});

test('two messages of the same bytes share nothing but their size', async () => {
  const block = new Uint8Array(100_000);
  const [first, second] = [await encrypted([block]), await encrypted([block])];
  assert.equal(first.subarray(-99_000).equals(second.subarray(-99_000)), false);
  // No block of zeros encrypts to a block that occurs again.
  const tail = first.subarray(-64_000);
  const seen = new Set(
    Array.from({ length: 4000 }, (_, index) => tail.subarray(index * 16, index * 16 + 16).toString('hex')),
  );
  assert.equal(seen.size, 4000);
});

test('a key that cannot encrypt is refused as the cipher of the functions refuses it', async () => {
  await assert.rejects(createNodeCipher('no key'), { code: 'KEY_UNUSABLE' });
  await assert.rejects(createNodeCipher(privateKey), { code: 'KEY_UNUSABLE' });
});
