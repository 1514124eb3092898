/**
 * A real S3 server for the local stack and the tests: Ceph RGW from Debian, without Docker, systemd or root.
 * As a program: `tsx scripts/dev/stack/rgw.ts start DIR [PORT]` leaves it running, `… stop DIR` ends it.
 */
import { randomUUID } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AwsClient } from 'aws4fetch';
import { cephConf, monitorAddress, RGW_PORTS, type RgwConfig } from './rgw-config.ts';
import { CEPH_ENV, DAEMONS, pidOf, runCephTool, startDaemon, stopDaemons, waitForPort } from './rgw-process.ts';
import { STACK_ERRORS } from './stack-errors.ts';

export interface StartRgwOptions {
  /** Default: the first of eight free ones. */
  readonly port?: number;
  /** State, logs, process ids; default: a temporary directory that stop() removes. A start on a used one starts empty. */
  readonly dir?: string;
  /** What all objects may take together; memory is used as they come. Default 2 GiB. */
  readonly memoryBytes?: number;
  /** Options of [client.rgw]. */
  readonly settings?: Readonly<Record<string, string>>;
  /** True: the servers outlive this process. */
  readonly detached?: boolean;
}

export interface RunningRgw {
  readonly endpoint: string;
  readonly port: number;
  readonly dir: string;
  /** The servers' process ids. */
  readonly pids: readonly number[];
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  createBucket(name: string, options?: { objectLock?: boolean }): Promise<void>;
  /** Runs `radosgw-admin` with these arguments and returns its output. */
  admin(...args: string[]): Promise<string>;
  /** Idempotent; removes the directory if startRgw() made it up. */
  stop(): Promise<void>;
}

const PROGRAMS = ['ceph', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'];
const STORAGE_CLASSES = ['STANDARD_IA', 'GLACIER'];
const PORT_ATTEMPTS = 5;
/** The one user; its id for `radosgw-admin`. */
export const RGW_USER = 'holdfast';

/** True where all programs of Ceph that the server needs are installed. */
export function rgwInstalled(): boolean {
  const folders = CEPH_ENV.PATH.split(':').filter(Boolean);
  return PROGRAMS.every((program) => folders.some((folder) => isExecutable(join(folder, program))));
}

/** Ready for requests when it returns (1.5 s). Throws STACK_START_FAILED. */
export async function startRgw(options: StartRgwOptions = {}): Promise<RunningRgw> {
  if (!rgwInstalled()) {
    throw STACK_ERRORS.STACK_START_FAILED('ceph is not installed', {
      hint: 'apt-get install --no-install-recommends ceph-mon ceph-osd radosgw ceph-common',
    });
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options, options.port ?? (await freePorts()));
    } catch (error) {
      // Somebody may have taken a free port between the look and the bind.
      if (options.port !== undefined || attempt >= PORT_ATTEMPTS) throw error;
    }
  }
}

/** Ends the servers of `dir`, whoever started them. */
export async function stopRgw(dir: string): Promise<void> {
  await stopDaemons(resolve(dir));
}

async function startOnce(options: StartRgwOptions, port: number): Promise<RunningRgw> {
  const dir = options.dir ? resolve(options.dir) : await mkdtemp(join(tmpdir(), 'holdfast-rgw-'));
  const stop = async () => {
    await stopDaemons(dir);
    if (!options.dir) await rm(dir, { recursive: true, force: true });
  };
  try {
    await assertStopped(dir);
    const settings = options.settings ?? {};
    const config = { dir, port, fsid: randomUUID(), memoryBytes: options.memoryBytes ?? 4 * 1024 ** 3, settings };
    const keys = await startCluster(config, options.detached ?? false);
    const pids = await Promise.all(DAEMONS.map((daemon) => pidOf(dir, daemon)));
    return handleOf({ dir, port, pids: pids.filter((pid) => pid !== null), ...keys, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assertStopped(dir: string): Promise<void> {
  for (const daemon of DAEMONS) {
    const pid = await pidOf(dir, daemon);
    if (pid !== null) throw STACK_ERRORS.STACK_RUNNING(`ceph ${daemon} already runs in ${dir} as process ${pid}`);
  }
}

async function startCluster(config: RgwConfig, detached: boolean): Promise<UserKeys> {
  const { dir, port } = config;
  const conf = join(dir, 'ceph.conf');
  await prepareDirectory(config);

  await runCephTool('monmaptool', [
    '--create',
    '--clobber',
    '--fsid',
    config.fsid,
    '--addv',
    'a',
    monitorAddress(config),
    join(dir, 'monmap'),
  ]);
  await runCephTool('ceph-mon', ['-c', conf, '--mkfs', '-i', 'a', '--monmap', join(dir, 'monmap')]);
  await startDaemon(dir, 'mon', { program: 'ceph-mon', args: ['-c', conf, '-i', 'a', '-f'], detached });
  await waitForPort(dir, 'mon', port + 1);

  const osdId = randomUUID();
  await runCephTool('ceph', ['-c', conf, 'osd', 'new', osdId]);
  await runCephTool('ceph-osd', ['-c', conf, '-i', '0', '--mkfs', '--osd-uuid', osdId]);
  await startDaemon(dir, 'osd', { program: 'ceph-osd', args: ['-c', conf, '-i', '0', '-f'], detached });

  const keys = await createUser(conf); // waits within for the osd
  await createStorageClasses(conf);
  await startDaemon(dir, 'rgw', { program: 'radosgw', args: ['-c', conf, '-n', 'client.rgw', '-f'], detached });
  await waitForPort(dir, 'rgw', port);
  return keys;
}

async function prepareDirectory(config: RgwConfig): Promise<void> {
  for (const folder of ['mon', 'osd', 'rgw', 'log', 'run']) {
    await rm(join(config.dir, folder), { recursive: true, force: true });
    await mkdir(join(config.dir, folder), { recursive: true });
  }
  await writeFile(join(config.dir, 'ceph.conf'), cephConf(config));
}

interface UserKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The server makes the keys up, so that none appears in an argument list. */
async function createUser(conf: string): Promise<UserKeys> {
  const args = ['-c', conf, '-n', 'client.rgw', 'user', 'create', `--uid=${RGW_USER}`, '--display-name=holdfast'];
  const [key] = JSON.parse(await runCephTool('radosgw-admin', args)).keys;
  return { accessKeyId: key.access_key, secretAccessKey: key.secret_key };
}

/** Names only: the same memory is behind each. */
async function createStorageClasses(conf: string): Promise<void> {
  const common = ['-c', conf, '-n', 'client.rgw'];
  for (const name of STORAGE_CLASSES) {
    const placement = ['--placement-id=default-placement', `--storage-class=${name}`];
    const pool = `--data-pool=default.rgw.${name.toLowerCase()}.data`;
    await runCephTool('radosgw-admin', [
      ...common,
      'zonegroup',
      'placement',
      'add',
      '--rgw-zonegroup=default',
      ...placement,
    ]);
    await runCephTool('radosgw-admin', [
      ...common,
      'zone',
      'placement',
      'add',
      '--rgw-zone=default',
      pool,
      ...placement,
    ]);
  }
}

function handleOf(rgw: Omit<RunningRgw, 'endpoint' | 'createBucket' | 'admin'>): RunningRgw {
  const endpoint = `http://127.0.0.1:${rgw.port}`;
  const conf = join(rgw.dir, 'ceph.conf');
  return {
    ...rgw,
    endpoint,
    createBucket: (name, options) => createBucket({ ...rgw, endpoint, name, objectLock: options?.objectLock ?? false }),
    admin: (...args) => runCephTool('radosgw-admin', ['-c', conf, '-n', 'client.rgw', ...args]),
  };
}

/** Creates a bucket on any S3 server; one that is there already and ours is fine. Throws STACK_START_FAILED. */
export async function createBucket(options: {
  endpoint: string;
  accessKeyId: string;
  secretAccessKey: string;
  name: string;
  objectLock?: boolean;
}): Promise<void> {
  const client = new AwsClient({ ...options, service: 's3', region: 'us-east-1' });
  const headers: Record<string, string> = options.objectLock ? { 'x-amz-bucket-object-lock-enabled': 'true' } : {};
  const response = await client.fetch(`${options.endpoint}/${options.name}`, { method: 'PUT', headers });
  const answer = await response.text();
  if (response.ok || answer.includes('BucketAlreadyOwnedByYou')) return;
  throw STACK_ERRORS.STACK_START_FAILED(`cannot create bucket '${options.name}': ${response.status}`, {
    details: { answer },
  });
}

/** The first of RGW_PORTS ports in a row that nobody uses; below the range from which systems give ports to clients. */
async function freePorts(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const first = 20_000 + RGW_PORTS * Math.floor(Math.random() * 1_500);
    const ports = Array.from({ length: RGW_PORTS }, (_, offset) => first + offset);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first;
  }
  throw STACK_ERRORS.STACK_START_FAILED(`no ${RGW_PORTS} free ports in a row between 20000 and 32000`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => done(true)));
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // asked in order to know
  }
}

async function runAsProgram([command, dir, port]: string[]): Promise<void> {
  if (command === 'stop' && dir) return await stopRgw(dir);
  if (command !== 'start' || !dir || (port !== undefined && !/^\d+$/.test(port))) {
    throw STACK_ERRORS.STACK_OPTION_INVALID(`expected 'start DIR [PORT]' or 'stop DIR'`, {
      hint: 'Give one of the two.',
    });
  }
  const rgw = await startRgw({ dir, detached: true, ...(port ? { port: Number(port) } : {}) });
  const { endpoint, accessKeyId, secretAccessKey } = rgw;
  process.stdout.write(`${JSON.stringify({ endpoint, accessKeyId, secretAccessKey })}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runAsProgram(process.argv.slice(2)).catch((error) => {
    process.stderr.write(
      `${error.message}\n${error.hint ? `HINT: ${error.hint}\n` : ''}${JSON.stringify(error.details ?? {})}\n`,
    );
    process.exitCode = error.exit ?? 1;
  });
}
