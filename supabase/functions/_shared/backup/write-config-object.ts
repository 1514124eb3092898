/** The project's configuration as one object, read in the snapshot that the session is in. */
import { writeSegment } from '../archive/write-segment.ts';
import type { BackupRequest } from '../domain/backup-request.ts';
import type { CodecName } from '../domain/formats.ts';
import { configPath } from '../domain/object-path.ts';
import { CONFIG_MAX_BYTES, type ProjectConfig } from '../domain/project-config.ts';
import { readProjectConfig } from '../postgres/read-project-config.ts';
import type { PgSession } from '../postgres/session.ts';
import type { CatalogFacts, StoredSegment } from '../runs/run-row.ts';
import type { BackupMeans } from './backup-settings.ts';
import { objectSegment } from './object-segment.ts';

/** A frame of the codec each. */
const BLOCK_BYTES = 1024 * 1024;

export interface ConfigJob {
  readonly source: Pick<CatalogFacts, 'database' | 'supabase' | 'managedSchemas'>;
  readonly codec: CodecName;
  readonly folder: string;
  readonly attempt: number;
}

/** Only a backup of the whole database says how the project was set up. */
export function takesConfig(request: Pick<BackupRequest, 'scope' | 'where'>): boolean {
  return request.scope === 'full' && !request.where?.length;
}

/** Throws what the database and the store throw. */
export async function writeConfigObject(
  means: BackupMeans,
  session: PgSession,
  { source, codec, folder, attempt }: ConfigJob,
): Promise<StoredSegment> {
  const { cipher, store } = means;
  const bytes = configBytes(await readProjectConfig(session, source));
  const stored = await writeSegment({
    source: inBlocks(bytes),
    codec: means.codecFor(codec),
    cipher,
    store,
    keyPrefix: folder,
    path: configPath({ codec, encrypted: cipher.recipients.length > 0, attempt }),
    kind: 'config',
  });
  return objectSegment('config', stored);
}

/** Fresh buffers, because the codec may take them away. */
async function* inBlocks(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) yield { bytes: bytes.slice(at, at + BLOCK_BYTES), rows: 0 };
}

/** JSON of at most `maxBytes`: the longest lists give way and are named in `unreadable`. */
export function configBytes(config: ProjectConfig, maxBytes = CONFIG_MAX_BYTES): Uint8Array {
  for (let left = config; ; ) {
    const bytes = toJson(left);
    const longest = longestList(left);
    if (bytes.length <= maxBytes || longest === null) return bytes;
    const reason = `left out: the configuration may be ${maxBytes} bytes of JSON, and this is the most of it`;
    const unreadable = [...left.unreadable, { what: longest, reason }];
    left = { ...left, [longest]: [], unreadable };
  }
}

const toJson = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);

/** The field that takes the most; null: no list has anything in it. */
function longestList({ unreadable: _, ...fields }: ProjectConfig): string | null {
  const sizes = Object.entries(fields)
    .filter(([, value]) => Array.isArray(value) && value.length > 0)
    .map(([what, value]) => ({ what, size: toJson(value).length }));
  sizes.sort((one, other) => other.size - one.size);
  return sizes[0]?.what ?? null;
}
