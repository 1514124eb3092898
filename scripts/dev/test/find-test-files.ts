import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { REPOSITORY_ROOT } from '../stack/database/dev-cache.ts';
import { DATABASE_ERRORS } from '../stack/database/errors.ts';

/** Paths from the repository's root, sorted. Throws TEST_RUN_INVALID when none matches: no tests is no success. */
export async function findTestFiles(options: { filters: readonly string[]; onlyUnit: boolean }): Promise<string[]> {
  const entries = await readdir(join(REPOSITORY_ROOT, 'tests'), { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    // `path` is what Node 20 calls it; newer versions say `parentPath`.
    .map((entry) => relative(REPOSITORY_ROOT, join(entry.parentPath ?? entry.path, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !options.onlyUnit || path.startsWith('tests/unit/'))
    .filter(
      (path) =>
        options.filters.length === 0 || options.filters.some((filter) => path.includes(filter.replace(/^\.\//, ''))),
    )
    .sort();
  if (files.length > 0) return files;
  throw DATABASE_ERRORS.TEST_RUN_INVALID(
    `no test file matches ${options.filters.map((each) => `'${each}'`).join(', ') || 'tests/**/*.test.ts'}`,
  );
}
