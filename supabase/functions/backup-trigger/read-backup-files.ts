/** The files of a stored backup, as its manifest lists them, with URLs to read them. */
import { createHash } from 'node:crypto';
import { readManifest } from '../_shared/archive/read-manifest.ts';
import type { Manifest } from '../_shared/domain/manifest-types.ts';
import { ERRORS } from '../_shared/errors.ts';
import type { Store } from '../_shared/stores/store.ts';

/** A manifest lists every object; 100,000 of them are about 40 MB. */
const MANIFEST_MAX_BYTES = 64 * 1024 * 1024;
/** Requests and signatures at one time. */
const AT_ONCE = 16;

export interface BackupFile {
  readonly path: string;
  readonly size: number;
  /** Null for what the manifest cannot list: its own signature. */
  readonly sha256: string | null;
  readonly url: string | null;
}

export interface BackupFiles {
  readonly manifest: Manifest;
  readonly fileCount: number;
  readonly files: BackupFile[];
}

export interface FilesWanted {
  /** The backup's folder, without a slash at the end. */
  readonly folder: string;
  /** Of manifest.json, as the ledger knows it. */
  readonly sha256: string;
  /** Indexes of files, end exclusive. */
  readonly page: { readonly from: number; readonly to: number };
  readonly urlSeconds: number;
}

/** Throws OBJECT_MISSING and OBJECT_CORRUPT of manifest.json, MANIFEST_*, STORE_*. */
export async function readBackupFiles(store: Store, wanted: FilesWanted): Promise<BackupFiles> {
  const bytes = await store.getBytes(`${wanted.folder}/manifest.json`, MANIFEST_MAX_BYTES);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== wanted.sha256) {
    throw ERRORS.OBJECT_CORRUPT('manifest.json is not the one that the ledger knows', {
      details: { expected: wanted.sha256, found },
    });
  }
  const manifest = await readManifest(bytes);
  const listed = manifest.objects.map(({ path, size, sha256 }) => ({ path, size, sha256 }));
  const all = [
    { path: 'manifest.json', size: bytes.length, sha256: found },
    ...(await signature(store, wanted.folder)),
    ...listed,
  ];
  const page = all.slice(wanted.page.from, wanted.page.to);
  return {
    manifest,
    fileCount: all.length,
    files: await addUrls(store, page, wanted),
  };
}

async function signature(store: Store, folder: string) {
  const path = 'manifest.json.sig';
  const info = await store.head(`${folder}/${path}`);
  return info ? [{ path, size: info.size, sha256: null }] : [];
}

async function addUrls(
  store: Store,
  files: readonly Omit<BackupFile, 'url'>[],
  wanted: FilesWanted,
): Promise<BackupFile[]> {
  const done: BackupFile[] = [];
  for (let start = 0; start < files.length; start += AT_ONCE) {
    const batch = files.slice(start, start + AT_ONCE).map(async (file) => ({
      ...file,
      url: await store.presignGet(`${wanted.folder}/${file.path}`, wanted.urlSeconds),
    }));
    done.push(...(await Promise.all(batch)));
  }
  return done;
}
