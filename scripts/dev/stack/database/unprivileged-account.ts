/**
 * PostgreSQL refuses to run as root. Started as root, the stack runs its servers as the system user `holdfast-dev`,
 * which it creates when it may; started as anybody else, the servers run as the caller.
 */
import { spawnSync } from 'node:child_process';
import { chown, mkdir } from 'node:fs/promises';
import { DATABASE_ERRORS } from './errors.ts';

/** Passed to spawn as it is: empty when the caller is not root. */
export interface ProcessAccount {
  readonly uid?: number;
  readonly gid?: number;
}

const ACCOUNT_NAME = 'holdfast-dev';
let found: ProcessAccount | undefined;

/** The account to run PostgreSQL as. Throws POSTGRES_ACCOUNT_MISSING when root can neither find nor create one. */
export function unprivilegedAccount(): ProcessAccount {
  found ??= process.getuid?.() === 0 ? systemAccount() : {};
  return found;
}

/** Makes a directory that the account owns (parents are made with the caller's rights). */
export async function makeOwnedDirectory(path: string, account: ProcessAccount): Promise<void> {
  await mkdir(path, { recursive: true });
  if (account.uid !== undefined) await chown(path, account.uid, account.gid ?? account.uid);
}

/** True when the account can enter the directory and write in it, parents included. */
export function accountCanUse(path: string, account: ProcessAccount): boolean {
  const script = 'test -d "$1" && test -x "$1" && test -r "$1" && test -w "$1"';
  return spawnSync('/bin/sh', ['-c', script, 'sh', path], { ...account, cwd: '/' }).status === 0;
}

function systemAccount(): ProcessAccount {
  const existing = lookUp(ACCOUNT_NAME);
  if (existing) return existing;
  // Two processes may race here: the loser's useradd fails and the second look finds the winner's account.
  spawnSync('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', ACCOUNT_NAME]);
  const account = lookUp(ACCOUNT_NAME) ?? lookUp('nobody');
  if (account) return account;
  throw DATABASE_ERRORS.POSTGRES_ACCOUNT_MISSING(
    `no unprivileged account was found and '${ACCOUNT_NAME}' could not be created`,
  );
}

function lookUp(name: string): ProcessAccount | undefined {
  const uid = idOf('-u', name);
  const gid = idOf('-g', name);
  return uid && gid ? { uid, gid } : undefined;
}

/** undefined for an unknown name, and for 0: root is never an answer. */
function idOf(flag: '-u' | '-g', name: string): number | undefined {
  const result = spawnSync('id', [flag, name], { encoding: 'utf8' });
  const id = result.status === 0 ? Number.parseInt(result.stdout, 10) : 0;
  return id > 0 ? id : undefined;
}
