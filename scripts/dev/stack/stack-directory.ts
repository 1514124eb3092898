/**
 * The directory of a stack: whose it is, and that only one stack runs in it. `stack.json` names the supervisor; it is
 * made with O_EXCL, so of two starts at once one wins. Every start begins with nothing but the logs of the last one.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stopPostgres } from './database/stop-postgres.ts';
import { endLeftovers } from './guard.ts';
import { processStart } from './process-identity.ts';
import { stopRgw } from './rgw.ts';
import { STACK_ERRORS } from './stack-errors.ts';

export interface Supervisor {
  readonly pid: number;
  /** See processStart. */
  readonly start: string;
}

const MARKER = '.holdfast-stack';

export function supervisorFile(dir: string): string {
  return join(dir, 'stack.json');
}

/** The supervisor of the stack in `dir`, if it runs. */
export async function findSupervisor(dir: string): Promise<Supervisor | undefined> {
  try {
    const supervisor = JSON.parse(await readFile(supervisorFile(dir), 'utf8')) as Supervisor;
    return processStart(supervisor.pid) === supervisor.start ? supervisor : undefined;
  } catch {
    return undefined; // no file, or a torn one: nobody who finished starting wrote it
  }
}

/** Makes the directory one for stacks. Throws STACK_OPTION_INVALID for a directory of other things. Returns its path. */
export async function markDirectory(dir: string): Promise<string> {
  const path = resolve(dir);
  await mkdir(path, { recursive: true });
  if (!existsSync(join(path, MARKER)) && (await readdir(path)).length > 0) {
    throw STACK_ERRORS.STACK_OPTION_INVALID(`'${dir}' holds files that are not a stack's`, {
      hint: 'Name a new or empty directory: a start deletes what is in it.',
    });
  }
  await writeFile(join(path, MARKER), 'Made by `npm run stack`; deleted and made anew at every start.\n');
  return path;
}

/** Makes the directory this process's own. Throws STACK_RUNNING, STACK_OPTION_INVALID. */
export async function claimDirectory(dir: string): Promise<string> {
  const path = await markDirectory(dir);
  await writeSupervisor(path);
  await endLeftovers(path);
  // These two may have begun before the guard knew of them.
  await stopPostgres(join(path, 'postgres'));
  await stopRgw(join(path, 's3'));
  await clearDirectory(path);
  return path;
}

/** Deletes all but the logs, and frees the directory for the next start. */
export async function releaseDirectory(dir: string): Promise<void> {
  await clearDirectory(dir);
  await rm(supervisorFile(dir), { force: true });
}

async function writeSupervisor(dir: string): Promise<void> {
  const own: Supervisor = { pid: process.pid, start: processStart(process.pid) ?? '' };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await writeFile(supervisorFile(dir), `${JSON.stringify(own)}\n`, { flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 3) throw error;
    }
    const running = await findSupervisor(dir);
    if (running) throw STACK_ERRORS.STACK_RUNNING(`a stack already runs in '${dir}', process ${running.pid}`);
    await rm(supervisorFile(dir), { force: true });
  }
}

async function clearDirectory(dir: string): Promise<void> {
  const kept = new Set([MARKER, 'stack.json', 'logs', 'processes']);
  const names = (await readdir(dir)).filter((name) => !kept.has(name));
  await Promise.all(names.map((name) => rm(join(dir, name), { recursive: true, force: true })));
}
