/**
 * Checks stored objects against the manifest. Quick: existence and size, and the checksum that the store itself
 * computed at upload where it keeps one. Deep: every byte is read and hashed.
 */
import { verifyObject } from '../archive/verify-object.ts';
import type { ManifestObject } from '../domain/manifest-types.ts';
import type { Store } from '../stores/store.ts';
import type { VerifyKind } from './verify-batches.ts';

export interface Problem {
  readonly path: string;
  readonly what: 'missing' | 'size' | 'sha256' | 'manifest';
  readonly expected: string | number;
  readonly found: string | number;
}

export interface VerifyResult {
  readonly objects: number;
  readonly bytes: number;
  /** Objects whose content was compared, by our hash or the store's; the coverage of this verification. */
  readonly hashed: number;
  readonly problems: Problem[];
}

export interface VerifyJob {
  readonly folder: string;
  readonly objects: readonly ManifestObject[];
  readonly kind: VerifyKind;
  /** Called after each object with the bytes it has. */
  readonly onObject?: (bytes: number) => void;
}

export async function verifyObjects(store: Store, job: VerifyJob): Promise<VerifyResult> {
  const result = { objects: 0, bytes: 0, hashed: 0, problems: [] as Problem[] };
  const sizes = job.kind === 'quick' ? await listSizes(store, `${job.folder}/`) : null;
  for (const object of job.objects) {
    const verdict = sizes
      ? await compareListing(store, job.folder, object, sizes)
      : await readAndHash(store, job.folder, object);
    result.objects += 1;
    result.bytes += object.size;
    if (verdict.hashed) result.hashed += 1;
    if (verdict.problem) result.problems.push(verdict.problem);
    job.onObject?.(object.size);
  }
  return result;
}

interface Verdict {
  readonly hashed: boolean;
  readonly problem: Problem | null;
}

async function listSizes(store: Store, prefix: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const info of store.list(prefix)) sizes.set(info.key.slice(prefix.length), info.size);
  return sizes;
}

async function compareListing(
  store: Store,
  folder: string,
  object: ManifestObject,
  sizes: Map<string, number>,
): Promise<Verdict> {
  const size = sizes.get(object.path);
  if (size === undefined) return { hashed: false, problem: missing(object) };
  if (size !== object.size) return { hashed: false, problem: differs(object, 'size', object.size, size) };
  if (!object.store_sha256) return { hashed: false, problem: null };
  const info = await store.head(`${folder}/${object.path}`);
  if (!info) return { hashed: false, problem: missing(object) };
  if (info.storeSha256 === undefined) return { hashed: false, problem: null };
  const same = info.storeSha256 === object.sha256;
  return { hashed: true, problem: same ? null : differs(object, 'sha256', object.sha256, info.storeSha256) };
}

async function readAndHash(store: Store, folder: string, object: ManifestObject): Promise<Verdict> {
  const found = await verifyObject(store, {
    key: `${folder}/${object.path}`,
    size: object.size,
    sha256: object.sha256,
  });
  return { hashed: found?.what !== 'missing', problem: found && { path: object.path, ...found } };
}

function missing(object: ManifestObject): Problem {
  return differs(object, 'missing', 'present', 'absent');
}

function differs(
  object: ManifestObject,
  what: Problem['what'],
  expected: string | number,
  found: string | number,
): Problem {
  return { path: object.path, what, expected, found };
}
