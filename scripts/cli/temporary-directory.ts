/**
 * The hidden directory of an archive that is being made: its name tells whose it is, so that the next command in the
 * same place can remove what a killed one left.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { codeOf, toDirectoryError } from '../../supabase/functions/_shared/stores/directory-errors.ts';

/** Process ids mean something on one machine only, and the place may be a share of several. */
const OWN_HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
const NAME = /^\.holdfast-archive-([0-9a-f]{8})-(\d+)-\w+$/;

/** In `directory`, which is made when it is not there. The caller removes it. Throws STORE_*. */
export async function makeTemporaryDirectory(directory: string): Promise<string> {
  try {
    await mkdir(directory, { recursive: true });
    await removeLeftovers(directory);
    return await mkdtemp(join(directory, `.holdfast-archive-${OWN_HOST}-${process.pid}-`));
  } catch (error) {
    throw toDirectoryError(error, `write into '${directory}'`);
  }
}

/** Only those of this machine whose process has ended. What cannot be removed is no reason to make no backup. */
async function removeLeftovers(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const [, host, pid] = NAME.exec(entry.name) ?? [];
    if (!entry.isDirectory() || host !== OWN_HOST || isRunning(Number(pid))) continue;
    await rm(join(directory, entry.name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH'; // EPERM: it runs as somebody else
  }
}
