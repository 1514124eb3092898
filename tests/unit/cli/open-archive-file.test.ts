/** Archives made by an enemy or broken on the way, mostly by Python's tarfile: nothing lands outside, nothing stays. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { checkMember } from '../../../scripts/cli/check-member.ts';
import { openArchiveFile } from '../../../scripts/cli/open-archive-file.ts';
import { memberHeader } from '../../../scripts/cli/pack-folder.ts';

const ID = 'daily_20260114_020000_00000000';
let directory: string;
let temporary: string | undefined;

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-hostile-'));
  // What is unpacked goes below it, so that the test sees all of it.
  temporary = process.env.TMPDIR;
  process.env.TMPDIR = directory;
});

after(() => {
  if (temporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = temporary;
  rmSync(directory, { recursive: true, force: true });
});

/** `body` adds members to `tar`, a tarfile.TarFile, with `add(name, content)` or by hand. */
function pythonTar(body: string, format = 'PAX_FORMAT'): string {
  const path = join(directory, 'hostile.tar.gz');
  const script = `
import io, sys, tarfile
tar = tarfile.open(sys.argv[1], 'w:gz', format=tarfile.${format})
def add(name, content=b'x', **facts):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in facts.items(): setattr(info, key, value)
    tar.addfile(info, io.BytesIO(content))
def link(name, kind, target):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    tar.addfile(info)
add('${ID}/manifest.json', b'{}')
${body}
tar.close()
`;
  const { status, stderr } = spawnSync('python3', ['-c', script, path], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return path;
}

async function assertDamaged(path: string, message: RegExp, label?: string): Promise<void> {
  const listed = readdirSync(directory).sort();
  await assert.rejects(openArchiveFile(path), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'ARCHIVE_DAMAGED', `${label}: ${error.stack}`);
    assert.match(error.message, message, label);
    return true;
  });
  assert.deepEqual(readdirSync(directory).sort(), listed, `${label}: nothing stays behind`);
}

test('a whole archive of any tar format opens', async () => {
  for (const format of ['PAX_FORMAT', 'GNU_FORMAT', 'USTAR_FORMAT']) {
    const name = `${ID}/tables/${'a'.repeat(90)}/public.${'b'.repeat(40)}.json`;
    const opened = await openArchiveFile(pythonTar(`add('${name}', b'rows')`, format));
    try {
      assert.equal(opened.folder, ID);
      assert.equal(new TextDecoder().decode(await opened.store.getBytes(name)), 'rows', format);
    } finally {
      await opened.close();
    }
  }
});

test('names that lead out, links, devices and doubles are refused by name', async () => {
  const outside = join(directory, 'escaped');
  const cases: [string, RegExp][] = [
    [`add('${outside}')`, /escaped" must have a relative name/],
    [`add('${ID}/../../escaped')`, /must not have '\.\.' in its name/],
    ["add('../escaped')", /must not have '\.\.'/],
    [`add('${ID}/a//b')`, /must have a name in the characters/],
    [`add('${ID}/./b')`, /must have a name in the characters/],
    [`add('${ID}/a\\\\b')`, /must have a name in the characters/],
    [`add('${ID}/new\\nline')`, /new\\nline" must have a name in the characters/],
    ["add('.holdfast-uploads/x/y')", /must have a name in the characters/],
    [`add('${ID}/' + 'a/' * 600 + 'b')`, /must have a shorter name/],
    [`link('${ID}/l', tarfile.SYMTYPE, '/etc/passwd')`, /\/l" must be a file or a folder, not a symlink/],
    [`link('${ID}/l', tarfile.LNKTYPE, '${ID}/manifest.json')`, /not a link/],
    [`link('${ID}/l', tarfile.FIFOTYPE, '')`, /not a fifo/],
    [`link('${ID}/l', tarfile.CHRTYPE, '')`, /not a character-device/],
    [`link('${ID}/l', tarfile.BLKTYPE, '')`, /not a block-device/],
    [`link('${ID}/l', b'S', '')`, /not a member of unknown type/],
    [`link('s', tarfile.SYMTYPE, '${directory}')\nadd('s/escaped')`, /"s" must be a file or a folder/],
    [`add('${ID}/manifest.json', b'other')`, /member '.*manifest\.json' must come once/],
    [`add('${ID}/a')\nadd('${ID}/a/b')`, /member '.*a\/b' must come once and not be a folder/],
    [`add('second/manifest.json')`, /must hold one folder with a manifest\.json: found .*second/],
  ];
  for (const [body, message] of cases) await assertDamaged(pythonTar(body), message, body);
  assert.equal(existsSync(outside), false);
});

test('a member larger than the disk is refused before a byte of it is written', async () => {
  const whole = memberHeader(`${ID}/bomb`, 2 ** 52, new Date(0));
  const tar = pack();
  tar.entry({ name: `${ID}/manifest.json` }, '{}');
  tar.entry(whole);
  const blocks: Uint8Array[] = [];
  const reader = (tar as unknown as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  while (Buffer.concat(blocks).length < 5 * 512) blocks.push((await reader.next()).value);
  tar.destroy();
  const path = join(directory, 'bomb.tar.gz');
  writeFileSync(path, gzipSync(Buffer.concat(blocks)));
  await assertDamaged(path, /member '.*bomb' has 4503599627370496 bytes: .* free on this disk/);
});

test('an archive that is cut off anywhere, or has a flipped byte, is refused', async () => {
  const path = pythonTar(`add('${ID}/rows', bytes((i * i) % 251 for i in range(300000)))`);
  const whole = readFileSync(path);
  const damaged = join(directory, 'damaged.tar.gz');
  for (const length of [0, 1, 10, 100, Math.floor(whole.length / 2), whole.length - 9, whole.length - 1]) {
    writeFileSync(damaged, whole.subarray(0, length));
    await assertDamaged(damaged, /damaged\.tar\.gz/, `first ${length} bytes`);
  }
  // The name and time in gzip's own header are under no checksum and mean nothing.
  for (let at = 10 + 'hostile.tar\0'.length; at < whole.length; at += Math.ceil(whole.length / 40)) {
    const flipped = Buffer.from(whole);
    flipped[at]! ^= 0x10;
    writeFileSync(damaged, flipped);
    await assertDamaged(damaged, /./, `byte ${at} flipped`);
  }
});

test('what is no gzipped tar, or has no manifest, is refused, and a file that is not there is named', async () => {
  const path = join(directory, 'other.tar.gz');
  writeFileSync(path, 'hello');
  await assertDamaged(path, /is not a whole gzipped tar: incorrect header check/);
  writeFileSync(path, gzipSync(Buffer.from('hello'.repeat(1000))));
  await assertDamaged(path, /is not a whole gzipped tar/);
  writeFileSync(path, gzipSync(Buffer.alloc(10240)));
  await assertDamaged(path, /must hold one folder with a manifest\.json: found none/);
  await assert.rejects(openArchiveFile(join(directory, 'gone.tar.gz')), { code: 'BACKUP_MISSING' });
  await assert.rejects(openArchiveFile(directory), { code: 'BACKUP_MISSING' });
});

test('a leading ./ and folders are taken as tar writes them', () => {
  assert.deepEqual(checkMember({ name: './a/b', type: 'file' }), { type: 'file', name: 'a/b' });
  assert.deepEqual(checkMember({ name: './', type: 'directory' }), { type: 'directory', name: '' });
  assert.deepEqual(checkMember({ name: 'a/b/', type: 'directory' }), { type: 'directory', name: 'a/b' });
});

test('the size of a member above 8 GiB is in a pax record, and tar and Python read it', async () => {
  const size = 9 * 1024 ** 3 + 1;
  const tar = pack();
  tar.entry(memberHeader(`${ID}/large`, size, new Date('2026-01-14T02:00:00Z')));
  const reader = (tar as unknown as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  let headers = Buffer.alloc(0);
  while (headers.length < 3 * 512) headers = Buffer.concat([headers, (await reader.next()).value]);
  tar.destroy();
  assert.match(headers.toString('latin1'), new RegExp(`\\d+ size=${size}\n`));
  const listed = spawnSync('tar', ['tvf', '-'], { input: headers, encoding: 'utf8' });
  assert.match(listed.stdout, new RegExp(` ${size} .*${ID}/large`));
  const script = 'import sys, tarfile; print(tarfile.open(fileobj=sys.stdin.buffer, mode="r|").next().size)';
  const python = spawnSync('python3', ['-c', script], { input: headers, encoding: 'utf8' });
  assert.equal(python.stdout.trim(), String(size), python.stderr);
});

test('small members have plain headers, and a script can be run', () => {
  const header = memberHeader(`${ID}/restore.sh`, 8 * 1024 ** 3 - 1, new Date(0));
  assert.equal(header.pax, undefined);
  assert.equal(header.mode, 0o755);
  assert.equal(memberHeader(`${ID}/manifest.json`, 1, new Date(0)).mode, 0o644);
});
