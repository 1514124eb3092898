/** Unpacks a Debian package and what it depends on into a directory, through a private apt root; any user may. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DATABASE_ERRORS } from '../stack/database/errors.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** Depended on by Debian's wrapper scripts and packaging, not by the programs. */
const NOT_NEEDED = /^(perl|perl-|libperl|netbase|sensible-utils|postgresql-client-common|readline-common|gcc-)/;

export interface DebianDownload {
  readonly suite: string;
  readonly into: string;
  /** Without what it depends on: for programs that are linked statically. */
  readonly alone?: boolean;
}

/** apt and dpkg can do this for any user; the archive's key must be there, or nothing would be verified. */
export function canUnpack(): boolean {
  return ['/usr/bin/apt-get', '/usr/bin/dpkg-deb', KEYRING].every((path) => existsSync(path));
}

/** apt verifies the archive's signature and every hash. Throws ORACLE_FAILED. */
export async function downloadDebianPackages(name: string, options: DebianDownload): Promise<void> {
  const apt = await mkdtemp(join(tmpdir(), 'holdfast-apt-'));
  try {
    const environment = { ...process.env, APT_CONFIG: await writeAptConfiguration(apt, options.suite), LC_ALL: 'C' };
    await run('apt-get', ['update'], { cwd: apt, env: environment });
    const plan = await run('apt-get', ['install', '--no-install-recommends', '--print-uris', '-y', name], {
      cwd: apt,
      env: environment,
    });
    const packages = options.alone ? [name] : packageNames(plan).filter((each) => !NOT_NEEDED.test(each));
    const downloads = join(apt, 'downloads');
    await mkdir(downloads);
    await run('apt-get', ['download', ...packages], { cwd: downloads, env: environment });
    await mkdir(options.into, { recursive: true });
    for (const file of await readdir(downloads))
      await run('dpkg-deb', ['-x', join(downloads, file), options.into], { cwd: apt });
  } finally {
    await rm(apt, { recursive: true, force: true });
  }
}

/** Lines of --print-uris: 'URI' file size hash; a file is name_version_architecture.deb. */
function packageNames(plan: string): string[] {
  const names = plan.split('\n').flatMap((line) => /^'[^']+' ([^_ ]+)_/.exec(line)?.[1] ?? []);
  if (names.length > 0) return names;
  throw DATABASE_ERRORS.ORACLE_FAILED('apt planned no package', { details: { plan } });
}

/** The mirror that this machine's own apt takes Debian from. */
async function debianMirror(): Promise<string> {
  // Asked this way, apt needs neither the network nor lists that it fetched before.
  const uris = await run('apt-get', ['update', '--print-uris'], { cwd: '/' });
  const mirror = /^'(\S+\/debian)\/dists\//m.exec(uris)?.[1];
  if (mirror) return mirror;
  throw DATABASE_ERRORS.ORACLE_FAILED('apt has no mirror of Debian in its sources', { details: { uris } });
}

async function writeAptConfiguration(apt: string, suite: string): Promise<string> {
  for (const dir of ['state/lists/partial', 'cache/archives/partial']) await mkdir(join(apt, dir), { recursive: true });
  await writeFile(join(apt, 'status'), '');
  await writeFile(join(apt, 'sources.list'), `deb [signed-by=${KEYRING}] ${await debianMirror()} ${suite} main\n`);
  const file = join(apt, 'apt.conf');
  const lines = [
    `Dir::Etc::sourcelist "${apt}/sources.list";`,
    'Dir::Etc::sourceparts "/dev/null";',
    'Dir::Etc::preferences "/dev/null";',
    'Dir::Etc::preferencesparts "/dev/null";',
    `Dir::State "${apt}/state";`,
    `Dir::State::status "${apt}/status";`,
    `Dir::Cache "${apt}/cache";`,
    'APT::Sandbox::User "root";',
    'Acquire::Languages "none";',
    'Acquire::Retries "3";',
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

function run(program: string, args: string[], options: { cwd: string; env?: NodeJS.ProcessEnv }): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', (cause) => reject(DATABASE_ERRORS.ORACLE_FAILED(`'${program}' cannot be started`, { cause })));
    child.on('close', (code) => {
      if (code === 0) return resolve(stdout);
      reject(DATABASE_ERRORS.ORACLE_FAILED(`'${program} ${args[0]}' ended with ${code}`, { details: { stderr } }));
    });
  });
}
