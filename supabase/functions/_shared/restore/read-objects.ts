import { createHash } from 'node:crypto';
import { type Decipher, plainDecipher } from '../archive/decipher.ts';
import { decompress } from '../archive/decompress.ts';
import { readStream } from '../archive/web-streams.ts';
import type { Manifest, ManifestObject } from '../domain/manifest-types.ts';
import { ERRORS, HoldfastError } from '../errors.ts';
import { type ArchiveInput, keyIn } from './archive-input.ts';
import type { Archive } from './contracts.ts';

/** The two ways to read an object that the manifest lists; see Archive. */
export function objectReader(
  { store, folder, decipher }: Pick<ArchiveInput, 'store' | 'folder' | 'decipher'>,
  manifest: Manifest,
): Pick<Archive, 'readStored' | 'read'> {
  const byPath = new Map(manifest.objects.map((object) => [object.path, object]));
  const find = (path: string): ManifestObject => {
    const object = byPath.get(path);
    if (!object) throw ERRORS.MANIFEST_INVALID(`the manifest lists no object '${path}'`);
    return object;
  };
  const opener = manifest.encryption ? decipher : plainDecipher();
  async function* readStored(path: string): AsyncGenerator<Uint8Array> {
    yield* compared(find(path), () => store.get(keyIn(folder, path)));
  }
  return {
    readStored,
    async *read(path) {
      const { kind } = find(path);
      // What tells people how to restore is stored as it is.
      if (kind === 'tool') yield* readStored(path);
      else yield* opened(path, { stored: readStored(path), decipher: opener!, codec: manifest.codec });
    },
  };
}

async function* compared(
  expected: ManifestObject,
  open: () => Promise<ReadableStream<Uint8Array>>,
): AsyncGenerator<Uint8Array> {
  const { path } = expected;
  const hash = createHash('sha256');
  let size = 0;
  for await (const bytes of readStream(await openPresent(path, open))) {
    size += bytes.length;
    if (size > expected.size)
      throw damaged(path, `it has more than the ${expected.size} bytes that the manifest states`);
    hash.update(bytes);
    yield bytes;
  }
  if (size !== expected.size) throw damaged(path, `it has ${size} bytes, the manifest states ${expected.size}`);
  const sha256 = hash.digest('hex');
  if (sha256 !== expected.sha256)
    throw damaged(path, `its SHA-256 is ${sha256}, the manifest states ${expected.sha256}`);
}

async function openPresent(
  path: string,
  open: () => Promise<ReadableStream<Uint8Array>>,
): Promise<ReadableStream<Uint8Array>> {
  try {
    return await open();
  } catch (cause) {
    if (!(cause instanceof HoldfastError) || cause.code !== 'OBJECT_MISSING') throw cause;
    throw damaged(path, 'it is missing from the store', cause);
  }
}

interface Opening {
  readonly stored: AsyncGenerator<Uint8Array>;
  readonly decipher: Decipher;
  readonly codec: Manifest['codec'];
}

async function* opened(path: string, { stored, decipher, codec }: Opening): AsyncGenerator<Uint8Array> {
  // Whoever reads ahead may meet the damage after having given up, and would keep it to itself.
  let failure: { error: unknown } | null = null;
  const next = async () => {
    try {
      return await stored.next();
    } catch (error) {
      failure ??= { error };
      throw error;
    }
  };
  // Without return(): what gives up on the bytes must not keep them from being compared to their end.
  const held = { [Symbol.asyncIterator]: () => ({ next }) };
  try {
    yield* decompress(codec, decipher.decrypt(held));
    while (!(await next()).done);
  } catch (error) {
    // Damaged bytes do not decrypt either; then the damage is the reason to report.
    while (!failure && !(await next()).done);
    throw failure ? (failure as { error: unknown }).error : named(path, error);
  } finally {
    await stored.return(undefined);
  }
}

function named(path: string, error: unknown): unknown {
  if (!(error instanceof HoldfastError) || error.details.object !== undefined) return error;
  if (error.code !== 'DECRYPTION_FAILED' && error.code !== 'ARCHIVE_DAMAGED') return error;
  const { code, hint, cause } = error;
  const details = { ...error.details, object: path };
  return new HoldfastError(code, error, `object '${path}': ${error.message}`, { cause, hint, details });
}

function damaged(path: string, why: string, cause?: unknown): HoldfastError {
  return ERRORS.ARCHIVE_DAMAGED(`object '${path}' is damaged: ${why}`, { cause, details: { object: path } });
}
