import { HoldfastError } from '../errors/define.ts';
import { STORE_ERRORS } from '../errors/store.ts';

const FACTORIES: Record<string, keyof typeof STORE_ERRORS> = {
  ENOENT: 'OBJECT_MISSING',
  EISDIR: 'OBJECT_MISSING',
  ENOSPC: 'STORE_FULL',
  EDQUOT: 'STORE_FULL',
  EFBIG: 'STORE_FULL',
  EACCES: 'STORE_DENIED',
  EPERM: 'STORE_DENIED',
  EROFS: 'STORE_DENIED',
  ENAMETOOLONG: 'OBJECT_KEY_INVALID',
  ENOTDIR: 'STORE_REFUSED',
  ENOTEMPTY: 'STORE_REFUSED',
  EEXIST: 'STORE_REFUSED',
};

const HINTS: Partial<Record<keyof typeof STORE_ERRORS, string>> = {
  STORE_DENIED: 'Check owner and permissions of the directory.',
  STORE_FULL: 'Free space on the disk of the directory.',
  STORE_REFUSED: 'A file stands where the store needs a directory, or the reverse; use an empty directory.',
  STORE_FAILED: 'Check the disk of the directory.',
};

/** The operating system's error as one of the catalogue; errors of the catalogue pass unchanged. */
export function toDirectoryError(error: unknown, what: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = codeOf(error);
  const name = FACTORIES[code ?? ''] ?? 'STORE_FAILED';
  return STORE_ERRORS[name](`cannot ${what}: ${code ?? String(error)}`, {
    cause: error,
    details: { code },
    hint: HINTS[name],
  });
}

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
