import { ERRORS } from '../../errors.ts';
import type { ProjectAccess } from './export-means.ts';
import type { FileSource } from './export-state.ts';

export interface StorageAnswer {
  /** Of the whole object. */
  readonly sizeBytes: number;
  readonly etag: string | null;
  readonly body: ReadableStream<Uint8Array>;
}

export interface StorageRequest extends FileSource {
  /** The first byte wanted, and how many; null: all that follow. */
  readonly start: number;
  readonly count: number | null;
  readonly signal?: AbortSignal;
}

/**
 * The bytes of a Storage object, through the Storage API: null when there is none (its row may outlive it), 'refused'
 * when Storage says no to this one, or its name cannot be
 * asked for. Throws STORAGE_UNREACHABLE.
 */
export async function readStorageFile(
  project: ProjectAccess,
  { bucket, name, start, count, signal }: StorageRequest,
): Promise<StorageAnswer | null | 'refused'> {
  const path = [bucket, ...name.split('/')].map(encodeURIComponent).join('/');
  const url = `${project.supabaseUrl}/storage/v1/object/authenticated/${path}`;
  // Every URL parser takes `..` for a step up, encoded or not: with the service key it would read somebody else's file.
  if (!new URL(url).href.endsWith(`/object/authenticated/${path}`)) return 'refused';
  const ranged = start > 0 || count !== null;
  const end = count === null ? '' : start + count - 1;
  const response = await request(url, project, {
    headers: ranged ? { range: `bytes=${start}-${end}` } : {},
    signal,
  });
  if (response.status === 200 && start === 0 && response.body !== null)
    return answer(response, contentLength(response));
  if (response.status === 206 && response.body !== null) return answer(response, totalOfRange(response));
  const text = (await response.text().catch(() => '')).slice(0, 300);
  // Storage answers 400 with the real status in the body.
  const status = Number(/"statusCode":\s*"?(\d{3})/.exec(text)?.[1] ?? response.status);
  if (status === 404) return null;
  if (status === 400 || status === 416) return 'refused';
  throw ERRORS.STORAGE_UNREACHABLE(`the Storage API answered ${response.status} for a file`, {
    details: { status: response.status, bucket },
  });
}

async function request(url: string, project: ProjectAccess, init: RequestInit): Promise<Response> {
  const headers = { ...init.headers, apikey: project.serviceKey, authorization: `Bearer ${project.serviceKey}` };
  try {
    return await project.fetch(url, { ...init, headers, redirect: 'error' });
  } catch (cause) {
    throw ERRORS.STORAGE_UNREACHABLE('the Storage API did not answer', { cause });
  }
}

function answer(response: Response, sizeBytes: number): StorageAnswer {
  // SAFETY: both callers have looked.
  return { sizeBytes, etag: response.headers.get('etag'), body: response.body! };
}

function contentLength(response: Response): number {
  const length = response.headers.get('content-length');
  return length === null ? Number.NaN : Number(length);
}

function totalOfRange(response: Response): number {
  return Number(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1] ?? Number.NaN);
}
