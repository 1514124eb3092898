/** The Auth and Storage servers, asked to delete. What is gone already counts as deleted. */
import { ERRORS } from '../../errors.ts';
import type { EraseMeans } from './erase-means.ts';

const TIMEOUT_MS = 60_000;

/** Throws PLATFORM_API_FAILED. */
export async function deleteAuthUser({ project }: Pick<EraseMeans, 'project'>, userId: string): Promise<void> {
  const status = await call(project, `/auth/v1/admin/users/${encodeURIComponent(userId)}`, {
    should_soft_delete: false,
  });
  if (status !== 404 && (status < 200 || status > 299))
    throw ERRORS.PLATFORM_API_FAILED(`the Auth server answered ${status} instead of deleting the user`);
}

/** At most 1,000 names in one call. Throws PLATFORM_API_FAILED. */
export async function deleteStorageFiles(
  { project }: Pick<EraseMeans, 'project'>,
  { bucket, names }: { bucket: string; names: readonly string[] },
): Promise<void> {
  const status = await call(project, `/storage/v1/object/${encodeURIComponent(bucket)}`, { prefixes: names });
  if (status !== 404 && (status < 200 || status > 299))
    throw ERRORS.PLATFORM_API_FAILED(`the Storage server answered ${status} instead of deleting ${names.length} files`);
}

async function call(
  { supabaseUrl, serviceKey, fetch }: EraseMeans['project'],
  path: string,
  body: unknown,
): Promise<number> {
  try {
    const response = await fetch(`${supabaseUrl.replace(/\/+$/, '')}${path}`, {
      method: 'DELETE',
      headers: { apikey: serviceKey, authorization: `Bearer ${serviceKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.status;
  } catch (cause) {
    throw ERRORS.PLATFORM_API_FAILED('the project did not answer a request to delete', { cause });
  }
}
