import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { REPOSITORY_ROOT } from '../stack/database/dev-cache.ts';
import { canUnpack, downloadDebianPackages } from './debian-packages.ts';

const UNPACKED = join(REPOSITORY_ROOT, '.cache', 'oracle', 'promtool');

/**
 * The judge of metrics and alert rules: the installed one, else, when asked to, the one of Debian's prometheus, unpacked
 * without installing it (its service would start). Null when it may not or cannot be fetched. Throws ORACLE_FAILED.
 */
export async function ensurePromtool({ download }: { download: boolean }): Promise<string | null> {
  const unpacked = join(UNPACKED, 'usr', 'bin', 'promtool');
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const found = [process.env.HOLDFAST_PROMTOOL ?? '', ...folders.map((dir) => join(dir, 'promtool')), unpacked];
  const there = found.find((path) => path !== '' && existsSync(path));
  if (there) return there;
  if (!download || !canUnpack()) return null;
  await mkdir(join(UNPACKED, '..'), { recursive: true });
  const unfinished = await mkdtemp(`${UNPACKED}.`);
  try {
    await downloadDebianPackages('prometheus', { suite: 'bookworm', into: unfinished, alone: true });
    await rm(UNPACKED, { recursive: true, force: true });
    await rename(unfinished, UNPACKED);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return unpacked;
}
