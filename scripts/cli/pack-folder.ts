/** One folder of a store as a gzipped tar, in a stream: no file is ever whole in memory, and every byte is checked. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { type Header, type Pack, pack } from 'tar-stream';
import { readManifest } from '../../supabase/functions/_shared/archive/read-manifest.ts';
import type { Manifest } from '../../supabase/functions/_shared/domain/manifest-types.ts';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { MANIFEST_FILE, MAX_MANIFEST_BYTES } from '../../supabase/functions/_shared/restore/manifest-file.ts';
import type { ObjectWriter, PutResult, Store } from '../../supabase/functions/_shared/stores/store.ts';

/** The largest size that the octal digits of a plain tar header can say; above, a pax record says it. */
const MAX_PLAIN_SIZE = 8 * 1024 ** 3 - 1;
const GZIP_BLOCK_BYTES = 256 * 1024;

export interface FolderToPack {
  readonly store: Store;
  /** In the store, without a slash at the end. */
  readonly folder: string;
  /** The one folder at the top of the tar. */
  readonly topFolder: string;
  /** Hex SHA-256 that manifest.json must have. */
  readonly manifestSha256: string;
  readonly writer: ObjectWriter;
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/** Members that a reader wants first stand first. Throws VERIFICATION_FAILED when a file is not what the manifest says. */
export async function packFolder(input: FolderToPack): Promise<PutResult> {
  const { store, folder, writer, signal } = input;
  const bytes = await store.getBytes(`${folder}/${MANIFEST_FILE}`, MAX_MANIFEST_BYTES);
  const manifest = await readManifest(bytes);
  const members = membersOf(manifest, { size: bytes.length, sha256: input.manifestSha256 });
  const tar = pack();
  const feeding = feed(tar, input, { members, modifiedAt: new Date(manifest.completed_at) });
  // Its failure destroys the tar, and with it the pipeline, which is where it is thrown.
  feeding.catch((error) => tar.destroy(error));
  await pipeline(Readable.from(tar), gzipFor(manifest), (compressed) => drainInto(writer, compressed), {
    signal,
  }).catch(async (error) => {
    tar.destroy();
    throw await feeding.then(
      () => error,
      (reason) => (signal.aborted ? error : reason),
    );
  });
  await feeding;
  return await writer.finish();
}

export type MemberHeader = Pick<Header, 'name' | 'size' | 'type' | 'mode' | 'mtime' | 'pax'>;

interface Member {
  readonly path: string;
  readonly size: number | null;
  /** Null for the signature, which no list can contain. */
  readonly sha256: string | null;
}

function membersOf(manifest: Manifest, own: { size: number; sha256: string }): Member[] {
  const isTool = ({ path }: Member) => !path.includes('/');
  return [
    { path: MANIFEST_FILE, ...own },
    ...(manifest.signing ? [{ path: 'manifest.json.sig', size: null, sha256: null }] : []),
    ...manifest.objects.filter(isTool),
    ...manifest.objects.filter((object) => !isTool(object)),
  ];
}

/** What is compressed or encrypted already only gets the frame of a gzip file. */
function gzipFor({ codec, encryption }: Manifest) {
  const dense = codec !== 'none' || encryption !== null;
  return createGzip({ level: dense ? constants.Z_NO_COMPRESSION : 6, chunkSize: GZIP_BLOCK_BYTES });
}

async function feed(
  tar: Pack,
  input: FolderToPack,
  { members, modifiedAt }: { members: Member[]; modifiedAt: Date },
): Promise<void> {
  for (const member of members) {
    const size = member.size ?? (await sizeOf(input, member.path));
    await addMember(tar, input, {
      member,
      header: memberHeader(`${input.topFolder}/${member.path}`, size, modifiedAt),
    });
  }
  tar.finalize();
}

async function sizeOf({ store, folder }: FolderToPack, path: string): Promise<number> {
  const info = await store.head(`${folder}/${path}`);
  if (!info) throw differs(path, 'is missing');
  return info.size;
}

/** The header of one file; owner and times do not depend on who packs. */
export function memberHeader(name: string, size: number, modifiedAt: Date): MemberHeader {
  return {
    name,
    size,
    type: 'file',
    mode: name.endsWith('.sh') ? 0o755 : 0o644,
    mtime: modifiedAt,
    ...(size > MAX_PLAIN_SIZE ? { pax: { size: String(size) } } : {}),
  };
}

async function addMember(
  tar: Pack,
  { store, folder, onBytes }: FolderToPack,
  { member, header }: { member: Member; header: MemberHeader },
): Promise<void> {
  const source = await store.get(`${folder}/${member.path}`);
  const hash = createHash('sha256');
  let size = 0;
  const checked = async function* () {
    for await (const block of source) {
      size += block.length;
      if (size > header.size) throw differs(member.path, `has more than ${header.size} bytes`);
      hash.update(block);
      onBytes?.(block.length);
      yield block;
    }
    if (size !== header.size) throw differs(member.path, `has ${size} bytes, not ${header.size}`);
    const found = hash.digest('hex');
    if (member.sha256 !== null && found !== member.sha256) throw differs(member.path, `has SHA-256 ${found}`);
  };
  await pipeline(Readable.from(checked()), tar.entry(header));
}

function differs(path: string, what: string) {
  return ERRORS.VERIFICATION_FAILED(`what was written is not what is on the disk: ${path} ${what}`, {
    details: { path },
    hint: 'Check the disk of the directory, then export again.',
  });
}

async function drainInto(writer: ObjectWriter, compressed: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const block of compressed) await writer.write(block);
}
