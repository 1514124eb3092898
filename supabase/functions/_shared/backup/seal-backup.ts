/**
 * Turns stored segments into a backup. The order is the guarantee: tools, checksums, signature, and the manifest last;
 * a folder without a manifest is no backup. Every object here is written whole and may be written again.
 */
import { createHash } from 'node:crypto';
import { checksumsText } from '../archive/checksums.ts';
import { restoreGuide } from '../archive/restore-guide.ts';
import { restoreScript } from '../archive/restore-script.ts';
import type { Manifest } from '../domain/manifest-types.ts';
import type { StoredSegment } from '../runs/run-row.ts';
import type { BackupMeans } from './backup-settings.ts';
import { buildManifest, type ManifestInput, toManifestObject } from './build-manifest.ts';

export interface Sealed {
  /** What sealing stored, the manifest and its signature included. */
  readonly objects: StoredSegment[];
  readonly manifest: Manifest;
  readonly manifestSha256: string;
  readonly totals: Manifest['totals'];
}

export type SealInput = ManifestInput & {
  readonly folder: string;
  /** Throws when somebody else seals this backup by now: the signature and the manifest must be of one writer. */
  readonly beforePut?: () => Promise<void>;
};

export async function sealBackup(means: BackupMeans, input: SealInput): Promise<Sealed> {
  const put = async (path: string, content: string | Uint8Array) => {
    await input.beforePut?.();
    return await putObject(means, { folder: input.folder, path, content });
  };
  const signer = (await means.signing?.()) ?? null;
  const facts = { cipher: means.cipher, signer };
  const draft = buildManifest(facts, input, []);
  const tools = [await put('restore.sh', restoreScript(draft)), await put('RESTORE.md', restoreGuide(draft))];
  const listed = [...draft.objects, ...tools.map(toManifestObject)];
  const checksums = await put('checksums.sha256', checksumsText(listed));
  const manifest = buildManifest(facts, input, [...tools, checksums]);
  const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, null, 1)}\n`);
  const signature = signer ? [await put('manifest.json.sig', await signer.sign(bytes))] : [];
  const last = await put('manifest.json', bytes);
  return {
    objects: [...tools, checksums, ...signature, last],
    manifest,
    manifestSha256: createHash('sha256').update(bytes).digest('hex'),
    totals: manifest.totals,
  };
}

async function putObject(
  { store }: BackupMeans,
  { folder, path, content }: { folder: string; path: string; content: string | Uint8Array },
): Promise<StoredSegment> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const result = await store.put(`${folder}/${path}`, bytes);
  return {
    path,
    kind: 'tool',
    schemaName: null,
    tableName: null,
    part: null,
    rowCount: null,
    rawBytes: bytes.length,
    storedBytes: result.size,
    sha256: result.sha256,
    storeSha256: result.storeSha256 ?? null,
    facts: null,
  };
}
