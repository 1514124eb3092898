/** The decipher of scripts, with GnuPG and our own cipher as the writers of what it reads. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { type Decipher, decipherWith } from '../../../supabase/functions/_shared/archive/decipher.ts';
import { messageHead } from '../../../supabase/functions/_shared/archive/message-head.ts';
import { openPrivateKeys } from '../../../supabase/functions/_shared/archive/open-private-keys.ts';
import { createNodeCipher } from '../../../supabase/functions/_shared/cipher-node.ts';
import { createNodeDecipher, nodeDecipher } from '../../../supabase/functions/_shared/decipher-node.ts';
import { ERRORS } from '../../../supabase/functions/_shared/errors.ts';
import {
  rsaSessionKeyOpener,
  type SessionKeyOpener,
} from '../../../supabase/functions/_shared/open-session-key-node.ts';
import { createKeyring, ECC } from './keyring.ts';

const RSA_2048 = ['Key-Type: RSA', 'Key-Length: 2048', 'Subkey-Type: RSA', 'Subkey-Length: 2048'];
/** Around every border of a part, of a block and of what is decrypted at once. */
const SIZES = [0, 1, 15, 16, 17, 191, 192, 511, 512, 8383, 8384, 262_100, 262_138, 262_144, 524_288, 1_000_003];

const keyring = createKeyring();
after(() => keyring.close());
const ecc = keyring.generate([...ECC, 'Name-Real: Ecc', 'Name-Email: ecc@example.com']);
const rsa = keyring.generate([...RSA_2048, 'Name-Real: Rsa', 'Name-Email: rsa@example.com']);
const stranger = keyring.generate([...ECC, 'Name-Real: Stranger', 'Name-Email: stranger@example.com']);
const privateKeys = new Map([ecc, rsa, stranger].map((who) => [who, keyring.exportPrivate(who)]));

async function* each(blocks: readonly Uint8Array[]) {
  yield* blocks;
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const bytes of source) parts.push(bytes.slice());
  return Buffer.concat(parts);
}

async function encrypted(plain: Uint8Array, recipients: string[]): Promise<Buffer> {
  const cipher = await createNodeCipher(recipients.map(keyring.exportPublic).join('\n'));
  return await collect(cipher.encrypt(each([plain])));
}

function byGpg(plain: Uint8Array, args: string[], recipients: string[]): Buffer {
  return keyring.gpg(['--encrypt', ...args, ...recipients.flatMap((who) => ['--recipient', who])], plain);
}

/** A decipher that fails the test when a message is left to openpgp. */
async function withoutFallback(who: string): Promise<Decipher> {
  const keys = await openPrivateKeys(privateKeys.get(who)!);
  const otherwise: Decipher = {
    // biome-ignore lint/correctness/useYield: it only throws
    async *decrypt() {
      throw ERRORS.INTERNAL('this message was left to openpgp');
    },
  };
  return nodeDecipher(keys, otherwise);
}

async function opens(decipher: Decipher, message: Uint8Array, blockBytes = 65_536): Promise<Buffer> {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += blockBytes) blocks.push(message.subarray(at, at + blockBytes));
  return await collect(decipher.decrypt(each(blocks)));
}

test('what our cipher wrote comes back, of every size, for each recipient, without openpgp', async () => {
  for (const who of [ecc, rsa]) {
    const decipher = await withoutFallback(who);
    for (const size of SIZES) {
      const plain = randomBytes(size);
      const message = await encrypted(plain, [ecc, rsa]);
      assert.ok((await opens(decipher, message)).equals(plain), `${size} bytes`);
    }
  }
});

test('what gpg wrote without compression comes back without openpgp, from a pipe and from a file', async () => {
  const file = join(keyring.home, 'plain');
  for (const who of [ecc, rsa]) {
    const decipher = await withoutFallback(who);
    for (const size of SIZES) {
      const plain = randomBytes(size);
      writeFileSync(file, plain);
      assert.ok((await opens(decipher, byGpg(plain, ['-z', '0'], [rsa, ecc]))).equals(plain), `pipe, ${size} bytes`);
      const definite = keyring.gpg(['--yes', '-z', '0', '--output', '-', '--recipient', who, '--encrypt', file]);
      assert.ok((await opens(decipher, definite)).equals(plain), `file, ${size} bytes`);
    }
  }
});

test('AES with 128 and 192 bits, and a long file name, are read without openpgp', async () => {
  const decipher = await withoutFallback(rsa);
  const plain = randomBytes(300_000);
  for (const algorithm of ['AES', 'AES192', 'AES256']) {
    const args = ['-z', '0', '--cipher-algo', algorithm, '--set-filename', 'n'.repeat(200)];
    const message = byGpg(plain, args, [rsa]);
    assert.ok((await opens(decipher, message)).equals(plain), algorithm);
  }
});

test('what has another form is left to openpgp and comes back too', async () => {
  const decipher = await createNodeDecipher(privateKeys.get(rsa)!);
  const strict = await withoutFallback(rsa);
  const plain = Buffer.from('rows and rows '.repeat(40_000));
  for (const args of [[], ['--compress-algo', 'zlib'], ['--compress-algo', 'zip', '-z', '9']]) {
    const message = byGpg(plain, args, [ecc, rsa]);
    assert.ok((await opens(decipher, message)).equals(plain), args.join(' '));
    await assert.rejects(opens(strict, message), /left to openpgp/);
  }
});

test('hidden recipients are found among several private keys', async () => {
  const all = await createNodeDecipher([...privateKeys.values()].join('\n'));
  const plain = randomBytes(5000);
  const hidden = keyring.gpg(['--encrypt', '-z', '0', '--hidden-recipient', ecc, '--hidden-recipient', rsa], plain);
  assert.ok((await opens(all, hidden)).equals(plain));
});

test('OpenSSL opens the session key for an RSA recipient, and leaves every other packet to openpgp', async () => {
  const openers = new Map<string, SessionKeyOpener>();
  for (const who of [rsa, ecc]) openers.set(who, rsaSessionKeyOpener(await openPrivateKeys(privateKeys.get(who)!)));
  for (let round = 0; round < 20; round++) {
    const message = byGpg(randomBytes(50), ['-z', '0'], [rsa, ecc]);
    const shown = keyring.gpg(
      ['--show-session-key', '--status-fd', '1', '--output', '/dev/null', '--decrypt'],
      message,
    );
    const [, expected] = /SESSION_KEY 9:([0-9A-F]{64})/.exec(shown.toString())!;
    const head = messageHead(message);
    assert.ok(head !== null && head !== 'more');
    const found = head.keyPackets.map((body) => openers.get(rsa)!(body));
    assert.deepEqual(
      found.map((one) => one && [Buffer.from(one.data).toString('hex').toUpperCase(), one.algorithm]),
      [[expected, 'aes256'], null],
    );
    assert.deepEqual(head.keyPackets.map(openers.get(ecc)!), [null, null]);
    const damaged = head.keyPackets[0]!.slice();
    damaged[100]! ^= 1;
    assert.equal(openers.get(rsa)!(damaged), null);
  }
});

test('a key that is not a recipient is refused, and the recipients are named', async () => {
  const message = await encrypted(randomBytes(100), [ecc, rsa]);
  const decipher = await createNodeDecipher(privateKeys.get(stranger)!);
  const subkeys = keyring
    .gpg(['--with-colons', '--list-keys', ecc, rsa])
    .toString()
    .matchAll(/^sub:.*?:.*?:.*?:([0-9A-F]{16}):/gm);
  await assert.rejects(opens(decipher, message), (error: { code: string; message: string }) => {
    assert.equal(error.code, 'DECRYPTION_FAILED');
    for (const [, id] of subkeys) assert.ok(error.message.includes(id!), `${error.message} names ${id}`);
    return true;
  });
});

// An RSA key takes 10 ms for each try.
for (const [name, who, flips] of [
  ['curve25519', ecc, [0x01, 0x08, 0x40, 0x80, 0xff]],
  ['RSA', rsa, [0x01]],
] as const) {
  test(`every truncation of a small message fails (${name})`, async () => {
    const decipher = await createNodeDecipher(privateKeys.get(who)!);
    for (const message of [await encrypted(randomBytes(40), [who]), byGpg(randomBytes(40), ['-z', '0'], [who])]) {
      for (let size = 0; size < message.length; size++) {
        const cut = opens(decipher, message.subarray(0, size));
        await assert.rejects(cut, { code: 'DECRYPTION_FAILED' }, `${size} of ${message.length} bytes`);
      }
      await assert.rejects(opens(decipher, Buffer.concat([message, Buffer.from([0])])), { code: 'DECRYPTION_FAILED' });
    }
  });

  test(`every change of one byte of a small message fails (${name})`, async () => {
    const decipher = await createNodeDecipher(privateKeys.get(who)!);
    for (const message of [await encrypted(randomBytes(40), [who]), byGpg(randomBytes(40), ['-z', '0'], [who])]) {
      for (let at = 0; at < message.length; at++) {
        for (const flip of flips) {
          const damaged = Buffer.from(message);
          damaged[at]! ^= flip;
          const opened = opens(decipher, damaged);
          await assert.rejects(opened, { code: 'DECRYPTION_FAILED' }, `byte ${at} of ${message.length}, ${flip}`);
        }
      }
    }
  });
}

test('the length of a session key that is rounded to bytes cannot be changed unseen', async () => {
  const decipher = await createNodeDecipher(privateKeys.get(ecc)!);
  const message = await encrypted(randomBytes(40), [ecc]);
  const at = message.indexOf(Buffer.from([0x01, 0x07, 0x40])); // 263 bits of a point of curve25519
  for (const bits of [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x08]) {
    const damaged = Buffer.from(message);
    damaged[at + 1] = bits;
    await assert.rejects(opens(decipher, damaged), { code: 'DECRYPTION_FAILED' }, `${256 + bits} bits`);
  }
});

test('a change in the middle of a large message fails at its end, not before', async () => {
  const decipher = await withoutFallback(rsa);
  const plain = randomBytes(2_000_000);
  const message = await encrypted(plain, [rsa]);
  message[1_000_000]! ^= 4;
  let given = 0;
  await assert.rejects(
    async () => {
      for await (const bytes of decipher.decrypt(each([message]))) given += bytes.length;
    },
    { code: 'DECRYPTION_FAILED', message: /checksum is wrong/ },
  );
  assert.equal(given, plain.length);
});

test('what the source throws reaches the caller as it is, wherever it is thrown', async () => {
  const decipher = await createNodeDecipher(privateKeys.get(ecc)!);
  const compressed = byGpg(Buffer.from('rows '.repeat(100_000)), [], [ecc]);
  for (const message of [await encrypted(randomBytes(900_000), [ecc]), compressed]) {
    for (const size of [0, 50, 200, message.length - 100, message.length]) {
      const reason = new Error('the store went away');
      const source = (async function* () {
        yield message.subarray(0, size);
        throw reason;
      })();
      await assert.rejects(collect(decipher.decrypt(source)), (error) => error === reason, `after ${size} bytes`);
    }
  }
});

test('leaving early ends the source', async () => {
  const decipher = await createNodeDecipher(privateKeys.get(ecc)!);
  const message = await encrypted(randomBytes(2_000_000), [ecc]);
  let ended = false;
  const source = (async function* () {
    try {
      for (let at = 0; at < message.length; at += 100_000) yield message.subarray(at, at + 100_000);
    } finally {
      ended = true;
    }
  })();
  for await (const bytes of decipher.decrypt(source)) if (bytes.length > 0) break;
  assert.equal(ended, true);
});

test('any cut of a message into pieces gives the same bytes, as openpgp does', { timeout: 240_000 }, async () => {
  const keys = await openPrivateKeys(privateKeys.get(ecc)!);
  const fast = await withoutFallback(ecc);
  const messages = await Promise.all([0, 7, 600, 270_000].map((size) => encrypted(randomBytes(size), [ecc])));
  messages.push(byGpg(randomBytes(20_000), ['-z', '0'], [ecc]));
  const cuts = fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 90_000 })), {
    minLength: 1,
  });
  const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...messages), cuts, async (message, sizes) => {
      const blocks: Uint8Array[] = [];
      let at = 0;
      for (const size of sizes) {
        blocks.push(message.subarray(at, at + size));
        at += size;
      }
      blocks.push(message.subarray(Math.min(at, message.length)));
      const ours = await collect(fast.decrypt(each(blocks)));
      const theirs = await collect(decipherWith(keys).decrypt(each([message])));
      assert.equal(digest(ours), digest(theirs));
    }),
    { numRuns: 60 },
  );
});
