/** The archive on the runtime of edge functions, Deno 2.1.4, with GnuPG, zstd and gzip as judges. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { denoBinary } from '../../../scripts/dev/stack/repository.ts';
import { rowBlocks } from './deno/row-blocks.ts';
import { createKeyring, ECC, RSA } from './keyring.ts';

const MEGABYTES = 24;
const keyring = createKeyring();
const folder = mkdtempSync(join(tmpdir(), 'holdfast-deno-'));
after(() => {
  keyring.close();
  rmSync(folder, { recursive: true });
});

/** Runs a script whose last argument is the file it writes; returns that file's bytes and what it said. */
function deno(script: string, args: string[]) {
  const path = new URL(`./deno/${script}`, import.meta.url).pathname;
  const file = join(folder, `out-${outputs++}`);
  const allow = ['--allow-read', '--allow-write', '--allow-env'];
  const result = spawnSync(denoBinary(), ['run', '--no-check', ...allow, path, ...args, file]);
  assert.equal(result.status, 0, result.stderr.toString());
  return { file, out: readFileSync(file), err: result.stderr.toString().trim() };
}
let outputs = 0;

async function rowsDigest(): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of rowBlocks(MEGABYTES)) hash.update(block);
  return hash.digest('hex');
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const KEYS = { 'RSA-4096': RSA, 'ed25519/cv25519': ECC };
for (const [kind, lines] of Object.entries(KEYS)) {
  test(`what Deno encrypts to an ${kind} key of GnuPG, gpg decrypts and zstd reads`, async (t) => {
    const fingerprint = keyring.generate([...lines, `Name-Real: Deno ${kind}`, 'Expire-Date: 1y']);
    const keyFile = join(folder, `${fingerprint}.asc`);
    writeFileSync(keyFile, keyring.exportPublic(fingerprint));
    const { file, out, err } = deno('encrypt.ts', [keyFile, 'zstd', String(MEGABYTES)]);
    t.diagnostic(err);
    const compressed = keyring.gpg(['--decrypt'], out);
    execFileSync('zstd', ['-tq'], { input: compressed });
    const rows = execFileSync('zstd', ['-dcq'], { input: compressed, maxBuffer: 1 << 30 });
    assert.equal(digest(rows), await rowsDigest());
    const privateFile = join(folder, `${fingerprint}.private.asc`);
    writeFileSync(privateFile, keyring.exportPrivate(fingerprint), { mode: 0o600 });
    assert.equal(digest(deno('decrypt.ts', [privateFile, 'zstd', file]).out), await rowsDigest());
  });
}

for (const codec of ['gzip', 'none']) {
  test(`what Deno writes with codec ${codec} is read by GnuPG and comes back on Deno`, async (t) => {
    const fingerprint = keyring.generate([...ECC, `Name-Real: Deno ${codec}`]);
    const keyFile = join(folder, `${fingerprint}.asc`);
    writeFileSync(keyFile, keyring.exportPublic(fingerprint));
    const { file, out, err } = deno('encrypt.ts', [keyFile, codec, String(MEGABYTES)]);
    t.diagnostic(err);
    const content = keyring.gpg(['--decrypt'], out);
    if (codec === 'gzip') execFileSync('gzip', ['-t'], { input: content });
    const rows = codec === 'gzip' ? execFileSync('gzip', ['-dc'], { input: content, maxBuffer: 1 << 30 }) : content;
    assert.equal(digest(rows), await rowsDigest());
    const privateFile = join(folder, `${fingerprint}.private.asc`);
    writeFileSync(privateFile, keyring.exportPrivate(fingerprint), { mode: 0o600 });
    assert.equal(digest(deno('decrypt.ts', [privateFile, codec, file]).out), await rowsDigest());
  });
}

test('the archive passes the type check of Deno', () => {
  const shared = new URL('../../../supabase/functions/_shared/archive/', import.meta.url).pathname;
  const files = [
    'cipher.ts',
    'decipher.ts',
    'sign-manifest.ts',
    'codec.ts',
    'decompress.ts',
    'write-segment.ts',
    'envelope.ts',
  ];
  const result = spawnSync(denoBinary(), ['check', '--quiet', ...files.map((file) => shared + file)]);
  assert.equal(result.status, 0, result.stderr.toString());
});

test('the vendored files are what the locked npm packages give', () => {
  const script = new URL('../../../scripts/dev/vendor.ts', import.meta.url).pathname;
  const result = spawnSync(process.execPath, ['--import', 'tsx', script, '--check']);
  assert.equal(result.status, 0, result.stderr.toString());
  const record = JSON.parse(
    readFileSync(new URL('../../../supabase/functions/_shared/vendor/VENDOR.json', import.meta.url), 'utf8'),
  );
  for (const { files } of record.packages) {
    for (const { path, sha256 } of files) {
      const bytes = readFileSync(new URL(`../../../supabase/functions/_shared/vendor/${path}`, import.meta.url));
      assert.equal(digest(bytes), sha256, path);
    }
  }
});
