/** Archives of ours, read by Info-ZIP and Python. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { crc32 as nodeCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { centralDirectory } from '../../../supabase/functions/_shared/account/zip/central-directory.ts';
import { crc32 } from '../../../supabase/functions/_shared/account/zip/crc32.ts';
import { EntryNames } from '../../../supabase/functions/_shared/account/zip/entry-names.ts';
import { Sha256 } from '../../../supabase/functions/_shared/account/zip/sha256-state.ts';
import {
  DEFLATED,
  STORED,
  type ZipEntry,
  ZipEntryWriter,
} from '../../../supabase/functions/_shared/account/zip/zip-entry.ts';

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-zip-unit-'));
});
after(() => rm(directory, { recursive: true, force: true }));

const modifiedMs = Date.UTC(2026, 0, 14, 2, 30, 8);
const python = (code: string, ...args: string[]) =>
  execFileSync('python3', ['-c', code, ...args], { encoding: 'utf8', maxBuffer: 1e9 }).trim();

/** Writes entries; after each piece of one the writer is thrown away and made again from its JSON, as between two calls. */
async function writeZip(path: string, entries: { name: string; pieces: Uint8Array[]; method: 0 | 8 }[]): Promise<void> {
  const file = await open(path, 'w');
  const states: ZipEntry[] = [];
  for (const { name, pieces, method } of entries) {
    const opened = ZipEntryWriter.open({ name, method, modifiedMs });
    await file.write(opened.bytes);
    let state = opened.writer.state;
    for (const piece of pieces) {
      const writer = ZipEntryWriter.resume(JSON.parse(JSON.stringify(state)));
      for (const bytes of writer.append(piece)) await file.write(bytes);
      state = writer.state;
    }
    const writer = ZipEntryWriter.resume(state);
    for (const bytes of writer.close()) await file.write(bytes);
    states.push(writer.state);
  }
  for (const bytes of centralDirectory(states)) await file.write(bytes);
  await file.close();
}

test('entries that were stopped and taken up again are whole: unzip and Python find every byte', async () => {
  const path = join(directory, 'resumed.zip');
  const random = [randomBytes(100_000), randomBytes(1), randomBytes(70_001)];
  const text = Array.from({ length: 50 }, (_, n) => Buffer.from(`{"row": ${n}, "text": "äöü 日本"}\n`.repeat(3000)));
  await writeZip(path, [
    { name: 'random.bin', pieces: random, method: STORED },
    { name: 'packed.bin', pieces: random, method: DEFLATED },
    { name: 'Daten/日本語 ✓.json', pieces: text, method: DEFLATED },
    { name: 'empty.txt', pieces: [], method: DEFLATED },
    { name: 'empty.bin', pieces: [], method: STORED },
  ]);
  execFileSync('unzip', ['-tqq', path]);
  const hash = (parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest('hex');
  const read = python(
    'import sys,zipfile,hashlib,json;z=zipfile.ZipFile(sys.argv[1]);print(json.dumps([[i.filename,hashlib.sha256(z.read(i)).hexdigest(),list(i.date_time)] for i in z.infolist()]))',
    path,
  );
  const time = [2026, 1, 14, 2, 30, 8];
  assert.deepEqual(JSON.parse(read), [
    ['random.bin', hash(random), time],
    ['packed.bin', hash(random), time],
    ['Daten/日本語 ✓.json', hash(text), time],
    ['empty.txt', hash([]), time],
    ['empty.bin', hash([]), time],
  ]);
  assert.match(execFileSync('zipinfo', [path], { encoding: 'utf8' }), /^-rw-r--r--.* Daten\//m);
});

test('more than 65,535 entries', async () => {
  const path = join(directory, 'many.zip');
  const count = 70_000;
  const file = createWriteStream(path, { highWaterMark: 1e6 });
  const states: ZipEntry[] = [];
  for (let n = 0; n < count; n++) {
    const { writer, bytes } = ZipEntryWriter.open({ name: `f/${n}`, method: STORED, modifiedMs });
    file.write(bytes);
    for (const piece of [...writer.append(Buffer.from(String(n))), ...writer.close()]) file.write(piece);
    states.push(writer.state);
  }
  for (const bytes of centralDirectory(states)) file.write(bytes);
  file.end();
  await once(file, 'close');
  execFileSync('unzip', ['-tqq', path]);
  const code = 'import sys,zipfile;z=zipfile.ZipFile(sys.argv[1]);print(len(z.namelist()),z.read("f/69999").decode())';
  assert.equal(python(code, path), `${count} 69999`);
});

test('a stored entry above 4 GB, and one that begins behind it', async () => {
  const path = join(directory, 'large.zip');
  const size = 0x1_0000_0000 + 12_345;
  const large = ZipEntryWriter.open({ name: 'zeros.bin', method: STORED, modifiedMs, large: true });
  // The bytes are a hole in the file, and stand in the state as if they had been given: reading them takes minutes.
  const { state } = large.writer;
  const whole = { ...state, size, packed: size, total: state.total + size };
  const writer = ZipEntryWriter.resume(whole);
  const file = await open(path, 'w');
  await file.write(large.bytes, 0, large.bytes.length, 0);
  let at = large.bytes.length + size;
  const write = async (bytes: Uint8Array) => {
    await file.write(bytes, 0, bytes.length, at);
    at += bytes.length;
  };
  for (const bytes of writer.close()) await write(bytes);
  const small = ZipEntryWriter.open({ name: 'behind.txt', method: DEFLATED, modifiedMs });
  await write(small.bytes);
  for (const bytes of [...small.writer.append(Buffer.from('behind')), ...small.writer.close()]) await write(bytes);
  for (const bytes of centralDirectory([writer.state, small.writer.state])) await write(bytes);
  await file.close();
  const code =
    'import sys,zipfile;z=zipfile.ZipFile(sys.argv[1]);i=z.getinfo("zeros.bin");print(i.file_size,z.getinfo("behind.txt").header_offset>2**32,z.read("behind.txt").decode())';
  assert.equal(python(code, path), `${size} True behind`);
  assert.equal(execFileSync('unzip', ['-p', path, 'behind.txt'], { encoding: 'utf8' }), 'behind');
  assert.match(execFileSync('zipinfo', ['-l', path], { encoding: 'utf8' }), new RegExp(` ${size} .*zeros.bin`));
  await rm(path);
});

test('an entry that reaches 4 GB unannounced is refused before a reader could be misled', () => {
  const { writer } = ZipEntryWriter.open({ name: 'a', method: STORED, modifiedMs });
  const state = { ...writer.state, size: 0xffffffff, packed: 0xffffffff };
  assert.throws(() => ZipEntryWriter.resume(state).close(), { code: 'EXPORT_TOO_LARGE' });
});

test('CRC-32 and a SHA-256 that stops anywhere equal those of Node', () => {
  const known = nodeCrc32 as ((bytes: Uint8Array) => number) | undefined;
  assert.equal(crc32(Buffer.from('123456789')), 0xcbf43926);
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), (pieces) => {
      const whole = Buffer.concat(pieces);
      let crc = 0;
      let hash = new Sha256();
      for (const piece of pieces) {
        crc = crc32(piece, crc);
        hash = new Sha256(JSON.parse(JSON.stringify(hash.update(piece).state)));
      }
      assert.equal(hash.hex(), createHash('sha256').update(whole).digest('hex'));
      assert.equal(crc, crc32(whole));
      if (known) assert.equal(crc, known(whole));
    }),
  );
});

test('names are harmless: no way out of the folder, nothing reserved, no two that are the same anywhere', () => {
  const names = new EntryNames();
  const add = (name: string) => names.add('files/', name);
  assert.equal(add('../../etc/passwd'), 'files/etc/passwd');
  assert.equal(add('/etc/passwd'), 'files/etc/passwd (2)');
  assert.equal(add('C:\\Windows\\x.dll'), 'files/C__Windows_x.dll');
  assert.equal(add('a/../b//./c.txt'), 'files/a/b/c.txt');
  assert.equal(add('photo.JPG'), 'files/photo.JPG');
  assert.equal(add('Photo.jpg'), 'files/Photo (2).jpg');
  assert.equal(add('photo.jpg'), 'files/photo (3).jpg');
  assert.equal(add('CON'), 'files/_CON');
  assert.equal(add('lpt1.txt'), 'files/_lpt1.txt');
  assert.equal(add('trailing. '), 'files/trailing');
  assert.equal(add('..'), 'files/_');
  assert.equal(add(''), 'files/_ (2)');
  assert.equal(add('new\nline\u202egnp.exe'), 'files/new_line_gnp.exe');
  assert.equal(add('e\u0301.txt'), 'files/\u00e9.txt');
  assert.equal(add('\u00e9.txt'), 'files/\u00e9 (2).txt');
  assert.equal(add('half\ud800'), 'files/half_');
  assert.equal(add('doc'), 'files/doc');
  assert.equal(add('doc/inside.txt'), 'files/doc - inside.txt');
  assert.equal(add('x/y'), 'files/x/y');
  assert.equal(add('x'), 'files/x (2)');
  const long = add(`${'ä'.repeat(300)}.tar.gz`);
  assert.ok(Buffer.byteLength(long) < 140 && long.endsWith('.gz'));
});

test('names that are one name once they are harmless cost no more than others', () => {
  const names = new EntryNames();
  const begun = performance.now();
  const given = new Set(
    Array.from({ length: 20_000 }, (_, n) => names.add('files/', `${'?'.repeat(1 + (n % 2))}.txt`)),
  );
  assert.equal(given.size, 20_000);
  assert.ok(performance.now() - begun < 3000, 'a search from the first number each time takes minutes');
  assert.equal(names.add('files/', 'CON .txt'), 'files/_CON .txt');
});

test('whatever files are called, the archive unpacks inside its folder and loses none', async () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('..', '.', '', 'con', 'a', 'A', 'C:', '~'),
  );
  const name = fc.array(piece, { maxLength: 5 }).map((parts) => parts.join('/'));
  fc.assert(
    fc.property(fc.array(name, { maxLength: 30 }), (given) => {
      const names = new EntryNames();
      const made = given.map((one) => names.add('files/', one));
      const keys = made.map((one) => one.toLowerCase());
      assert.equal(new Set(keys).size, given.length);
      for (const one of made) {
        assert.ok(one.startsWith('files/') && !one.split('/').some((part) => ['', '.', '..'].includes(part)), one);
        assert.doesNotMatch(one, /[\p{Cc}<>:"|?*\\]/u);
        assert.ok(!keys.some((other) => other.startsWith(`${one.toLowerCase()}/`)), one);
      }
    }),
    { numRuns: 300 },
  );
});
