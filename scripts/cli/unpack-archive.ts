/** Files out of a gzipped tar that may have been made by an enemy. */
import { createReadStream } from 'node:fs';
import { mkdir, open, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Extract, extract } from 'tar-stream';
import { ERRORS, HoldfastError } from '../../supabase/functions/_shared/errors.ts';
import { codeOf, toDirectoryError } from '../../supabase/functions/_shared/stores/directory-errors.ts';
import { checkMember } from './check-member.ts';

const READ_BLOCK_BYTES = 256 * 1024;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** Other programs on the machine need some of the disk too. */
const SPARE_BYTES = 64 * 1024 ** 2;
/** A small file takes at least a block of the disk. */
const DISK_BLOCK_BYTES = 4096;

/**
 * Writes the members below `directory` and returns their names. Only plain files and folders with relative names; each
 * name once; together no more than the disk has free. Throws ARCHIVE_DAMAGED naming the member, and STORE_*.
 */
export async function unpackArchive(file: string, directory: string): Promise<string[]> {
  const room = new DiskRoom(await freeBytes(directory));
  const tar = extract();
  const reading = pipeline(
    createReadStream(file, { highWaterMark: READ_BLOCK_BYTES }),
    createGunzip({ chunkSize: READ_BLOCK_BYTES }),
    tar,
  );
  const outcome = reading.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  try {
    const names = await writeMembers(tar, { directory, room });
    const failure = await outcome;
    if (failure) throw failure.error;
    return names;
  } catch (error) {
    tar.destroy();
    await outcome;
    throw archiveError(error, file);
  }
}

async function writeMembers(
  members: Extract,
  { directory, room }: { directory: string; room: DiskRoom },
): Promise<string[]> {
  const names: string[] = [];
  for await (const member of members) {
    const { type, name } = checkMember(member.header);
    if (type === 'file') {
      room.take(name, member.header.size);
      // SAFETY: the library's types leave out that its streams can be iterated; their blocks are bytes.
      await writeMember(member as unknown as AsyncIterable<Uint8Array>, name, directory);
      names.push(name);
    } else {
      member.resume();
    }
  }
  return names;
}

/** `wx` follows no link and overwrites nothing, so a name that comes twice is found here. */
async function writeMember(member: AsyncIterable<Uint8Array>, name: string, directory: string): Promise<void> {
  const target = join(directory, name);
  const handle = await createFile(target, name);
  try {
    for await (const block of member) await handle.writeFile(block);
  } finally {
    await handle.close();
  }
}

async function createFile(target: string, name: string) {
  try {
    await mkdir(dirname(target), { recursive: true, mode: FOLDER_MODE });
    return await open(target, 'wx', FILE_MODE);
  } catch (error) {
    if (['EEXIST', 'ENOTDIR', 'EISDIR'].includes(codeOf(error) ?? ''))
      throw ERRORS.ARCHIVE_DAMAGED(`member '${name}' must come once and not be a folder too`, {
        cause: error,
        details: { member: name },
      });
    throw error;
  }
}

class DiskRoom {
  readonly #bytes: number;
  #left: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#left = bytes;
  }

  /** Before a byte of the member is written. */
  take(name: string, sizeBytes: number): void {
    this.#left -= Math.max(sizeBytes, DISK_BLOCK_BYTES);
    if (this.#left >= 0) return;
    throw ERRORS.ARCHIVE_DAMAGED(
      `member '${name}' has ${sizeBytes} bytes: with it the archive is larger than the ${this.#bytes} bytes free on this disk`,
      {
        details: { member: name, size: sizeBytes, free: this.#bytes },
        hint: 'If the archive is from where you think, set TMPDIR to a directory on a larger disk.',
      },
    );
  }
}

async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return Math.max(0, bavail * bsize - SPARE_BYTES);
}

/** zlib and tar say what is wrong with the file; the system's errors are of the disk. */
function archiveError(error: unknown, file: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const { syscall } = error as { syscall?: string };
  if (syscall !== undefined) return toDirectoryError(error, `unpack '${basename(file)}'`);
  const reason = error instanceof Error ? error.message : String(error);
  return ERRORS.ARCHIVE_DAMAGED(`'${basename(file)}' is not a whole gzipped tar: ${reason}`, {
    cause: error,
    hint: 'Compare the file with its .sha256 (sha256sum -c), and use another copy.',
  });
}
