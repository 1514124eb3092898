/** Where the development servers keep what is dear to make again: initialised clusters, copied binaries, oracles. */
import { fileURLToPath } from 'node:url';
import { DATABASE_ERRORS } from './errors.ts';
import { accountCanUse, makeOwnedDirectory, type ProcessAccount } from './unprivileged-account.ts';

export const REPOSITORY_ROOT = fileURLToPath(new URL('../../../../', import.meta.url)).replace(/\/$/, '');

/** For root whose clone lies where no other account may go, such as /root. */
const SYSTEM_CACHE = '/var/cache/holdfast-dev';

/** A directory named `name` that the account may use: in the repository's `.cache`, else in the system's. */
export async function devCacheDirectory(name: string, account: ProcessAccount): Promise<string> {
  for (const root of [`${REPOSITORY_ROOT}/.cache`, ...(account.uid === undefined ? [] : [SYSTEM_CACHE])]) {
    const path = `${root}/${name}`;
    await makeOwnedDirectory(path, account);
    if (accountCanUse(path, account)) return path;
  }
  throw DATABASE_ERRORS.POSTGRES_DIRECTORY_UNUSABLE(
    `no cache directory '${name}' is usable by the account PostgreSQL runs as`,
  );
}
