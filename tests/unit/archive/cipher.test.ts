/** Keys made by GnuPG: which ones may receive backups, and that GnuPG reads what is written to them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { generateKey } from 'openpgp';
import { createCipher, plainCipher } from '../../../supabase/functions/_shared/archive/cipher.ts';
import { concatBytes } from '../../../supabase/functions/_shared/archive/concat-bytes.ts';
import { createDecipher } from '../../../supabase/functions/_shared/archive/decipher.ts';
import { createKeyring, ECC, RSA } from './keyring.ts';

const keyring = createKeyring();
after(() => keyring.close());

const DAY_MS = 24 * 3600 * 1000;
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);

async function* each(blocks: readonly Uint8Array[]) {
  yield* blocks;
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [new Uint8Array(0)];
  for await (const bytes of source) parts.push(bytes.slice());
  return concatBytes(parts);
}

const ecc = keyring.generate([...ECC, 'Name-Real: Ecc', 'Name-Email: ecc@example.com', 'Expire-Date: 1y']);
const rsa = keyring.generate([...RSA, 'Name-Real: Rsa', 'Name-Email: rsa@example.com']);

test('every recipient of a message can read it alone', async () => {
  const cipher = await createCipher(keyring.exportPublic(ecc) + keyring.exportPublic(rsa));
  assert.deepEqual(
    cipher.recipients.map((one) => one.fingerprint),
    [ecc, rsa],
  );
  assert.equal(cipher.recipients[0]!.userId, 'Ecc <ecc@example.com>');
  assert.equal(cipher.recipients[1]!.expiresAt, null);
  assert.deepEqual(cipher.warnings, []);
  const message = await collect(cipher.encrypt(each([new TextEncoder().encode('rows')])));
  for (const who of [ecc, rsa]) {
    const alone = createKeyring();
    try {
      alone.gpg(['--import'], keyring.exportPrivate(who));
      assert.equal(alone.gpg(['--decrypt'], message).toString(), 'rows');
    } finally {
      alone.close();
    }
  }
});

test('one armored block with several keys, and the same key twice, give each recipient once', async () => {
  const together = keyring.gpg(['--armor', '--export', ecc, rsa]).toString();
  const cipher = await createCipher(`two keys:\n${together}\nagain:\n${keyring.exportPublic(ecc)}`);
  assert.deepEqual(cipher.recipients.map((one) => one.fingerprint).sort(), [ecc, rsa].sort());
});

test('a key on one line with \\n for line ends, as secret stores keep it, is read', async () => {
  const cipher = await createCipher(keyring.exportPublic(ecc).replaceAll('\n', '\\n'));
  assert.equal(cipher.recipients[0]!.fingerprint, ecc);
});

test('the message is what GnuPG 2.2 reads without doubt: MDC, AES-256, binary, not compressed', async () => {
  const cipher = await createCipher(keyring.exportPublic(ecc));
  const message = await collect(cipher.encrypt(each([new Uint8Array(3000)])));
  const packets = keyring.gpg(['--list-packets', '--verbose'], message).toString();
  assert.match(packets, /mdc_method: 2/);
  assert.match(packets, /literal data packet:\s+mode b/);
  assert.doesNotMatch(packets, /compressed packet|aead/);
  const shown = keyring
    .gpg(['--show-session-key', '--status-fd', '1', '--output', '/dev/null', '--decrypt'], message)
    .toString();
  assert.match(shown, /SESSION_KEY 9:[0-9A-F]{64}/, 'algorithm 9 is AES-256');
  assert.match(shown, /GOODMDC/);
});

test('bytes of any length and in any pieces come back from GnuPG and from our own decipher', async () => {
  const cipher = await createCipher(keyring.exportPublic(ecc));
  const decipher = await createDecipher(keyring.exportPrivate(ecc));
  const size = fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 3_000_000 }));
  await fc.assert(
    fc.asyncProperty(fc.array(size, { maxLength: 4 }), fc.integer({ min: 0, max: 255 }), async (sizes, seed) => {
      const blocks = sizes.map((length) => new Uint8Array(length).map((_, at) => (at * 131 + (at >> 9) + seed) & 255));
      const message = await collect(cipher.encrypt(each(blocks)));
      const expected = createHash('sha256')
        .update(concatBytes([new Uint8Array(0), ...blocks]))
        .digest('hex');
      const byGpg = createHash('sha256')
        .update(keyring.gpg(['--decrypt'], message))
        .digest('hex');
      const byUs = createHash('sha256')
        .update(await collect(decipher.decrypt(each([message]))))
        .digest('hex');
      assert.deepEqual([byGpg, byUs], [expected, expected]);
    }),
    { numRuns: 12 },
  );
});

test('what gpg itself encrypts, compression included, our decipher opens with a passphrase', async () => {
  const locked = createKeyring();
  try {
    const who = locked.generate([...ECC, 'Name-Real: Locked'], 'open sesame');
    const message = locked.gpg(['--encrypt', '--recipient', who], 'hello '.repeat(1000));
    const exported = locked.gpg([
      '--armor',
      '--pinentry-mode',
      'loopback',
      '--passphrase',
      'open sesame',
      '--export-secret-keys',
      who,
    ]);
    const decipher = await createDecipher(exported.toString(), 'open sesame');
    assert.equal(new TextDecoder().decode(await collect(decipher.decrypt(each([message])))), 'hello '.repeat(1000));
    await assert.rejects(createDecipher(exported.toString(), 'wrong'), (error: Error & { code: string }) => {
      assert.equal(error.code, 'KEY_UNUSABLE');
      assert.doesNotMatch(`${error.stack}${JSON.stringify(error)}`, /wrong'|PRIVATE KEY BLOCK/);
      return true;
    });
    await assert.rejects(createDecipher(exported.toString()), { code: 'KEY_UNUSABLE', message: /locked/ });
  } finally {
    locked.close();
  }
});

test('a changed or cut-off message, and another key, do not decrypt', async () => {
  const cipher = await createCipher(keyring.exportPublic(ecc));
  const message = await collect(cipher.encrypt(each([new Uint8Array(2_000_000)])));
  const decipher = await createDecipher(keyring.exportPrivate(ecc));
  const changed = message.slice();
  changed[1_000_000]! ^= 1;
  for (const damaged of [
    changed,
    message.subarray(0, message.length - 1),
    message.subarray(0, 1000),
    new Uint8Array(50),
    new Uint8Array(0),
  ]) {
    await assert.rejects(collect(decipher.decrypt(each([damaged]))), { code: 'DECRYPTION_FAILED' });
  }
  const stranger = await createDecipher(keyring.exportPrivate(rsa));
  await assert.rejects(collect(stranger.decrypt(each([message]))), { code: 'DECRYPTION_FAILED' });
});

test('an error of the source comes out of the decipher as it was thrown', async () => {
  const decipher = await createDecipher(keyring.exportPrivate(ecc));
  const failure = new Error('the store is away');
  const message = await collect((await createCipher(keyring.exportPublic(ecc))).encrypt(each([new Uint8Array(9)])));
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield message.subarray(0, 100);
    throw failure;
  }
  await assert.rejects(collect(decipher.decrypt(broken())), (error) => error === failure);
});

test('the memory does not grow with the message, also when the reader is slow', async () => {
  const cipher = await createCipher(keyring.exportPublic(ecc));
  let given = 0;
  let taken = 0;
  let ahead = 0;
  async function* rows() {
    const block = new Uint8Array(1 << 20);
    for (; given < 150 << 20; given += block.length) yield block.slice();
  }
  for await (const bytes of cipher.encrypt(rows())) {
    taken += bytes.length;
    ahead = Math.max(ahead, given - taken);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(ahead < 12 << 20, `${ahead} bytes were on their way`);
});

const REFUSED: { name: string; reason: RegExp; key: () => string | Promise<string>; now?: Date }[] = [
  { name: 'an expired key', reason: /expired on 20/, key: () => keyring.exportPublic(ecc), now: inDays(400) },
  {
    name: 'a key made after now',
    reason: /cannot encrypt|not/,
    key: () => keyring.exportPublic(ecc),
    now: inDays(-10),
  },
  { name: 'a private key', reason: /is a private key/, key: () => keyring.exportPrivate(ecc) },
  {
    name: 'a revoked key',
    reason: /is revoked/,
    key: () => {
      const who = keyring.generate([...ECC, 'Name-Real: Revoked', 'Name-Email: revoked@example.com']);
      const path = `${keyring.home}/openpgp-revocs.d/${who}.rev`;
      keyring.gpg(['--import'], readFileSync(path, 'utf8').replace(':-----BEGIN', '-----BEGIN'));
      return keyring.exportPublic(who);
    },
  },
  {
    name: 'a key that can only sign',
    reason: /can only sign/,
    key: () =>
      keyring.exportPublic(
        keyring.generate(['Key-Type: eddsa', 'Key-Curve: ed25519', 'Key-Usage: sign', 'Name-Real: Signer']),
      ),
  },
  {
    name: 'a key whose encryption subkey has expired',
    reason: /its subkey expired on 20/,
    now: inDays(20),
    key: () => {
      const who = keyring.generate([
        'Key-Type: eddsa',
        'Key-Curve: ed25519',
        'Key-Usage: sign',
        'Name-Real: Short Subkey',
      ]);
      keyring.gpg(['--passphrase', '', '--quick-add-key', who, 'cv25519', 'encr', '10d']);
      return keyring.exportPublic(who);
    },
  },
  {
    name: 'a short RSA key',
    reason: /shorter than 2047 bits/,
    key: () => keyring.exportPublic(keyring.generate(['Key-Type: RSA', 'Key-Length: 1024', 'Name-Real: Short'])),
  },
  {
    name: 'a key of a kind that GnuPG 2.2 does not know',
    reason: /GnuPG 2\.2 cannot read/,
    key: async () =>
      (
        await generateKey({
          type: 'curve25519',
          userIDs: [{ name: 'New' }],
          format: 'armored',
          config: { v6Keys: true },
        })
      ).publicKey,
  },
  {
    name: 'a version 4 key whose subkey GnuPG 2.2 does not know',
    reason: /x25519, which GnuPG 2\.2 cannot read/,
    key: async () =>
      (await generateKey({ type: 'curve25519', userIDs: [{ name: 'New 4' }], format: 'armored' })).publicKey,
  },
  { name: 'no key', reason: /no armored public key/, key: () => 'BACKUP_PGP_PUBLIC_KEYS' },
  { name: 'half a key', reason: /no armored public key/, key: () => keyring.exportPublic(ecc).slice(0, 200) },
  {
    name: 'a damaged key',
    reason: /malformed|cannot encrypt/,
    key: () => {
      const [head, body] = keyring.exportPublic(ecc).split('\n\n') as [string, string];
      return `${head}\n\n${body.slice(0, 30)}${body[30] === 'A' ? 'B' : 'A'}${body.slice(31)}`;
    },
  },
  {
    name: 'a message instead of a key',
    reason: /MESSAGE, not a PUBLIC KEY BLOCK/,
    key: () => keyring.gpg(['--armor', '--encrypt', '--recipient', ecc], 'x').toString(),
  },
];

for (const { name, reason, key, now } of REFUSED) {
  test(`${name} is refused before any work, with the reason`, async () => {
    const armored = await key();
    await assert.rejects(
      createCipher(armored, { now }),
      (error: Error & { code: string; details: Record<string, unknown> }) => {
        assert.equal(error.code, 'KEY_UNUSABLE', String(error));
        assert.match(error.message, reason);
        assert.doesNotMatch(JSON.stringify(error), /PRIVATE KEY BLOCK/);
        return true;
      },
    );
    if (name === 'no key') return;
    // A good key beside it does not help: whoever was named must be able to read.
    for (const both of [`${keyring.exportPublic(rsa)}\n${armored}`, `${armored}\n${keyring.exportPublic(rsa)}`]) {
      await assert.rejects(createCipher(both, { now }), { code: 'KEY_UNUSABLE' });
    }
  });
}

test('a refusal names fingerprint and user id', async () => {
  const message = new RegExp(`${ecc} Ecc <ecc@example.com>`);
  await assert.rejects(createCipher(keyring.exportPublic(ecc), { now: inDays(400) }), { message });
});

test('a key that expires within 30 days is used with a warning, a later one without', async () => {
  const soon = await createCipher(keyring.exportPublic(ecc), { now: inDays(340) });
  assert.equal(soon.warnings.length, 1);
  assert.match(soon.warnings[0]!, new RegExp(`${ecc}.*expires on 20`));
  assert.deepEqual((await createCipher(keyring.exportPublic(ecc), { now: inDays(300) })).warnings, []);
});

test('the plain cipher changes nothing and names nobody', async () => {
  const cipher = plainCipher();
  assert.deepEqual([cipher.extension, cipher.recipients], ['', []]);
  assert.deepEqual(await collect(cipher.encrypt(each([Uint8Array.from([1, 2])]))), Uint8Array.from([1, 2]));
});
