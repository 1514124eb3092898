import type { Manifest } from '../domain/manifest-types.ts';
import { ERRORS, HoldfastError } from '../errors.ts';
import type { Archive } from './contracts.ts';
import { untilAborted } from './until-aborted.ts';

export interface VerifyArchiveJob {
  /** Objects that the restore reads. */
  readonly paths: readonly string[];
  /** Objects that are read at the same time. */
  readonly jobs: number;
  /** Called with the stored bytes that were read since it was last called. */
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

const SHOWN_OBJECTS = 100;

/**
 * Reads and hashes every object, so that damage is found before anything is written. All damaged objects are named
 * together: ARCHIVE_DAMAGED with `details.objects`. Throws MANIFEST_INVALID when a segment would be restored twice, the
 * signal's reason when it aborts, and STORE_* at once: a store that does not answer proves nothing about the objects.
 */
export async function verifyArchive(archive: Archive, job: VerifyArchiveJob): Promise<void> {
  refuseDoubledSegments(archive.manifest);
  const paths = [...new Set(job.paths)];
  const problems: HoldfastError[] = [];
  const stop = new AbortController();
  const signal = job.signal ? AbortSignal.any([job.signal, stop.signal]) : stop.signal;
  const next = paths.values();
  const work = async () => {
    for (const path of next) {
      const problem = await damageOf(archive, { path, job, signal });
      if (problem) problems.push(problem);
    }
  };
  const workers = Array.from({ length: Math.min(Math.max(1, job.jobs), paths.length) }, async () => {
    try {
      await work();
    } catch (error) {
      stop.abort(error);
    }
  });
  await Promise.all(workers);
  stop.signal.throwIfAborted();
  if (problems.length > 0) throw allDamaged(problems, paths);
}

async function damageOf(
  archive: Archive,
  { path, job, signal }: { path: string; job: VerifyArchiveJob; signal: AbortSignal },
): Promise<HoldfastError | null> {
  try {
    for await (const bytes of untilAborted(archive.readStored(path), signal)) job.onBytes?.(bytes.length);
    return null;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'ARCHIVE_DAMAGED') return error;
    throw error;
  }
}

function allDamaged(problems: HoldfastError[], paths: string[]): HoldfastError {
  const place = new Map(paths.map((path, at) => [path, at]));
  const objects = problems
    .map((problem) => ({ object: String(problem.details.object), problem: problem.message }))
    .sort((a, b) => place.get(a.object)! - place.get(b.object)!);
  const [first] = objects;
  const message =
    objects.length === 1
      ? first!.problem
      : `${objects.length} of ${paths.length} objects are damaged, the first: ${first!.problem}`;
  return ERRORS.ARCHIVE_DAMAGED(message, { details: { objects, count: objects.length } });
}

function refuseDoubledSegments({ tables }: Manifest): void {
  const owners = new Map<string, string>();
  const doubled: { object: string; problem: string }[] = [];
  for (const table of tables) {
    const name = `${table.schema}.${table.name}`;
    for (const path of table.segments) {
      const owner = owners.get(path);
      if (owner !== undefined) doubled.push({ object: path, problem: `it is a segment of ${owner} and of ${name}` });
      owners.set(path, name);
    }
  }
  const [first] = doubled;
  if (!first) return;
  const others = doubled.length > 1 ? `, and ${doubled.length - 1} more` : '';
  throw ERRORS.MANIFEST_INVALID(
    `the manifest names the segment '${first.object}' twice: ${first.problem}${others}; its rows would be restored twice`,
    { details: { objects: doubled.slice(0, SHOWN_OBJECTS), count: doubled.length } },
  );
}
