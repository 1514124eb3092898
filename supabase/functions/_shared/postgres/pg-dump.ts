/**
 * Runs the real pg_dump, compiled to WebAssembly, over a connection that we log in: no process, no libpq TLS.
 * It asks the server everything first and prints at the end, so what is printed is in memory once: fine for a schema,
 * not for rows.
 */
import { Buffer } from 'node:buffer';
import { ERRORS } from '../errors.ts';
import type { Platform } from '../platform.ts';
import type { PgDumpModule } from '../vendor/pg-dump/pg-dump.d.mts';
import type { ConnectionOptions } from './connection-url.ts';
import { DumpSocket } from './dump-socket.ts';
import { login } from './login.ts';
import { connectionOptions } from './open-session.ts';

export interface PgDumpOptions {
  /** pg_dump's own, without connection and output: `--section=pre-data`, `--snapshot=…`. Plain format only. */
  readonly args: readonly string[];
  /** Called as pg_dump writes; the bytes are the callee's. */
  readonly onData: (bytes: Uint8Array) => void;
  /** Aborting closes the connection, which ends the dump with DATABASE_CONNECTION_LOST. */
  readonly signal?: AbortSignal;
}

/** What the output is written to inside WebAssembly. */
const OUTPUT_DEVICE = '/out';
const ESPIPE = 29;
/** The end of the log says what went wrong. */
const LOG_CHARACTERS = 4000;
/** libpq looks for its own program file, which does not exist there. */
const NOISE = /^could not find a "pg_dump" to execute$/;

/**
 * Throws PG_DUMP_FAILED with pg_dump's log, QUERY_INTERRUPTED, SNAPSHOT_LOST, DATABASE_CONNECTION_LOST, and what login() throws.
 */
export async function pgDump(
  platform: Platform,
  url: string | ConnectionOptions,
  options: PgDumpOptions,
): Promise<void> {
  const session = await login(platform, connectionOptions(url, { applicationName: 'holdfast pg_dump' }));
  const stop = () => session.connection.close();
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    if (options.signal?.aborted) stop();
    const socket = new DumpSocket(session);
    const log: string[] = [];
    const exitCode = await run(await instantiate(socket, options, log), options.args);
    if (socket.failure !== null) throw socket.failure;
    if (exitCode !== 0) throw dumpFailed(exitCode, log);
  } finally {
    options.signal?.removeEventListener('abort', stop);
    stop();
  }
}

async function instantiate(socket: DumpSocket, options: PgDumpOptions, log: string[]): Promise<PgDumpModule> {
  const [{ default: factory }, wasm] = await Promise.all([import('../vendor/pg-dump/pg-dump.mjs'), loadWasm()]);
  const note = (line: string) => {
    if (!NOISE.test(line)) log.push(line);
  };
  return await factory({
    instantiateWasm(imports: WebAssembly.Imports, receive: (instance: WebAssembly.Instance) => void) {
      void WebAssembly.instantiate(wasm, imports).then(receive);
      return {}; // says that the instance comes later
    },
    thisProgram: 'pg_dump',
    noInitialRun: true,
    print: note,
    printErr: note,
    socketWrite: (bytes: Uint8Array) => socket.write(bytes),
    socketReadable: () => socket.readable(),
    socketTake: (max: number) => socket.take(max),
    socketWait: () => socket.wait(),
    preRun: [(module: PgDumpModule) => addOutput(module, options.onData)],
  });
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** Compiled once: a backup runs pg_dump several times. */
function loadWasm(): Promise<WebAssembly.Module> {
  compiled ??= compileWasm().catch((error) => {
    compiled = undefined;
    throw error;
  });
  return compiled;
}

async function compileWasm(): Promise<WebAssembly.Module> {
  const { GZIPPED_WASM } = await import('../vendor/pg-dump/pg-dump-wasm.mjs');
  // A tenth of the time of atob(), whose text must be taken apart character by character.
  // SAFETY: a Buffer is a Uint8Array; the types of the two runtimes disagree on it.
  const zipped = Buffer.from(GZIPPED_WASM, 'base64') as unknown as Uint8Array;
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream('gzip'));
  return await WebAssembly.compile(await new Response(stream).arrayBuffer());
}

function addOutput(module: PgDumpModule, onData: (bytes: Uint8Array) => void): void {
  const { FS } = module;
  // Where libpq would look for .pgpass; nothing is there.
  module.ENV.HOME = '/';
  const device = FS.makedev(64, 0);
  FS.registerDevice(device, {
    open() {},
    close() {},
    write(_stream: unknown, heap: Int8Array, offset: number, length: number) {
      onData(new Uint8Array(heap.buffer, heap.byteOffset + offset, length).slice());
      return length;
    },
    llseek() {
      throw Object.assign(new Error('a device has no position'), { errno: ESPIPE });
    },
  });
  FS.mkdev(OUTPUT_DEVICE, 0o666, device);
}

/** The exit code. Emscripten reports exit() by throwing an ExitStatus, from main() or from where it was resumed. */
async function run(module: PgDumpModule, args: readonly string[]): Promise<number> {
  // Host, user and database are never used: the login has happened. They keep libpq from asking the environment.
  const argv = ['pg_dump', '-h', '/x', '-U', 'x', '-d', 'x', '-f', OUTPUT_DEVICE, ...args];
  const pointers = module._malloc(4 * (argv.length + 1));
  for (const [index, argument] of argv.entries()) {
    module.setValue(pointers + 4 * index, module.allocateUTF8(argument), 'i32');
  }
  module.setValue(pointers + 4 * argv.length, 0, 'i32');
  try {
    const exitCode = module._main(argv.length, pointers);
    return module.Asyncify.currData === null ? exitCode : await module.Asyncify.whenDone();
  } catch (error) {
    const status = error as { name?: string; status?: number };
    if (status?.name === 'ExitStatus' && status.status !== undefined) return status.status;
    throw error;
  }
}

/** The server's last words, or libpq's when there were none: pg_dump often ends before we see the end of the stream. */
const CONNECTION_ENDED = /FATAL: |server closed the connection|terminating connection|connection to server was lost/;

function dumpFailed(exitCode: number, lines: string[]) {
  const log = lines.join('\n').slice(-LOG_CHARACTERS);
  const reason = (lines.find((line) => line.includes('error:')) ?? lines[0] ?? 'no reason given').replace(
    /^pg_dump: (error: )?/,
    '',
  );
  const options = { details: { exitCode, log } };
  if (/invalid snapshot identifier|could not import the requested snapshot|snapshot .* does not exist/.test(log)) {
    return ERRORS.SNAPSHOT_LOST(`pg_dump could not use the snapshot: ${reason}`, options);
  }
  if (CONNECTION_ENDED.test(log))
    return ERRORS.DATABASE_CONNECTION_LOST(`pg_dump lost its connection: ${reason}`, options);
  // Of --lock-wait-timeout: somebody holds a table, or waits for one.
  if (/canceling statement due to (statement|lock) timeout/.test(log)) {
    return ERRORS.QUERY_INTERRUPTED(`pg_dump waited too long for a lock: ${reason}`, options);
  }
  return ERRORS.PG_DUMP_FAILED(`pg_dump ended with exit code ${exitCode}: ${reason}`, options);
}
