/** Where the erasure ledger is read from: what --erasures names, else the place that the backup came from. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ERASURES_FOLDER } from '../../supabase/functions/_shared/domain/erasure-entry.ts';
import { type ErasureSource, openErasureSource } from '../../supabase/functions/_shared/restore/erasure-source.ts';
import { createDirectoryStore } from '../../supabase/functions/_shared/stores/directory-store.ts';
import { restoreInputInvalid } from './restore-setup.ts';
import type { RestoreSource } from './restore-source.ts';

export interface ErasureOptions {
  /** A directory, or `none`. */
  readonly erasures?: string;
  readonly allowDamagedErasures?: boolean;
}

/** A backup's folder is three levels below its store's. */
const LEVELS_UP = 4;

/** Throws CONFIG_INVALID for a directory that is none, STORE_*, KEY_UNUSABLE. */
export async function openErasures(
  raw: ErasureOptions,
  { source, verifyKeys }: { source: RestoreSource; verifyKeys: string | null },
): Promise<ErasureSource> {
  const options = { verificationKeys: verifyKeys, allowDamaged: raw.allowDamagedErasures ?? false };
  if (raw.erasures === 'none')
    return { kind: 'none', because: 'the erasure ledger was left out on request (--erasures none)' };
  if (raw.erasures !== undefined) return await fromDirectory(raw.erasures, options);
  if (source.kind === 'store')
    return await openErasureSource(source.store, { ...options, complete: source.store.kind === 's3' });
  const start = source.kind === 'folder' ? source.store.location : dirname(resolve(source.path));
  const directory = above(start);
  if (directory === null)
    return { kind: 'none', because: `there is no erasure ledger beside ${start} (give one with --erasures)` };
  return await openErasureSource(createDirectoryStore(directory), { ...options, complete: false });
}

async function fromDirectory(
  path: string,
  options: { verificationKeys: string | null; allowDamaged: boolean },
): Promise<ErasureSource> {
  if (!isDirectory(path))
    throw restoreInputInvalid([`--erasures must be a directory that exists, or none: got '${path}'`]);
  const inside = isDirectory(join(path, ERASURES_FOLDER));
  if (inside) return await openErasureSource(createDirectoryStore(path), { ...options, complete: false });
  const whole = resolve(path);
  return await openErasureSource(createDirectoryStore(dirname(whole)), {
    ...options,
    complete: false,
    folder: basename(whole),
  });
}

function above(start: string): string | null {
  let directory = resolve(start);
  for (let level = 0; level < LEVELS_UP; level++) {
    if (isDirectory(join(directory, ERASURES_FOLDER))) return directory;
    directory = dirname(directory);
  }
  return null;
}

const isDirectory = (path: string) => existsSync(path) && statSync(path).isDirectory();
