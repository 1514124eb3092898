/**
 * The edge runtime of the stack: keeps the isolates of every function, boots them on demand, and hands each request to
 * an idle one. A function has at most `isolates` of them; when all are busy, requests wait.
 */
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { answerJson } from './answer-json.ts';
import type { EdgeFunction } from './function-catalog.ts';
import { FunctionProcess, type IsolateLimits } from './function-process.ts';
import type { Guard } from './guard.ts';
import { ProxyFailure, proxyRequest } from './proxy-request.ts';
import { REPOSITORY } from './repository.ts';

export interface FunctionRunnerOptions {
  /** The stack's directory: logs/<name>.log, functions.json and Deno's cache go there. */
  readonly dir: string;
  readonly functions: readonly EdgeFunction[];
  readonly env: Readonly<Record<string, string>>;
  /** Isolates of one function at the same time. */
  readonly isolates: number;
  readonly limits: IsolateLimits;
  /** Without a byte for so long, a request is answered 504. */
  readonly idleTimeoutMs: number;
  /** Ends isolates that are too busy to notice the end of the stack. */
  readonly guard?: Pick<Guard, 'watch' | 'unwatch'>;
}

export interface FunctionRunner {
  find(name: string): EdgeFunction | undefined;
  /** Answers one request; never throws. `path` is what the function sees: `/<name>/…`. */
  handle(request: IncomingMessage, response: ServerResponse, target: { name: string; path: string }): Promise<void>;
  /** Process ids of the function's living isolates. */
  pids(name: string): number[];
  /** Ends all isolates; requests in flight fail. */
  stop(): Promise<void>;
}

/** Deno's compile cache, shared by all stacks: a first boot without it takes several times as long. */
const DENO_DIR = join(REPOSITORY, '.cache', 'deno');

class StoppedError extends Error {}

export function startFunctionRunner(options: FunctionRunnerOptions): FunctionRunner {
  mkdirSync(join(options.dir, 'logs'), { recursive: true });
  const pools = new Map<string, IsolatePool>();
  const writeState = stateWriter(join(options.dir, 'functions.json'), pools);
  for (const edgeFunction of options.functions) {
    pools.set(edgeFunction.name, new IsolatePool(edgeFunction, options, writeState));
  }
  writeState();
  return {
    find: (name) => options.functions.find((candidate) => candidate.name === name),
    pids: (name) => pools.get(name)?.living.map((isolate) => isolate.pid) ?? [],
    async handle(request, response, target) {
      const pool = pools.get(target.name);
      if (pool) await pool.handle(request, response, target.path);
      else answerJson(response, 404, { code: 'NOT_FOUND', message: 'Requested function was not found' });
    },
    async stop() {
      await Promise.all([...pools.values()].map((pool) => pool.stop()));
      await writeState();
    },
  };
}

class IsolatePool {
  living: FunctionProcess[] = [];
  #edgeFunction: EdgeFunction;
  #options: FunctionRunnerOptions;
  #onChange: () => void;
  #log: WriteStream;
  #waiting: { resolve(isolate: FunctionProcess): void; reject(error: unknown): void }[] = [];
  #stopped = false;

  constructor(edgeFunction: EdgeFunction, options: FunctionRunnerOptions, onChange: () => void) {
    this.#edgeFunction = edgeFunction;
    this.#options = options;
    this.#onChange = onChange;
    this.#log = createWriteStream(join(options.dir, 'logs', `${edgeFunction.name}.log`), { flags: 'a' });
  }

  async handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    for (;;) {
      const isolate = await this.#take().catch((error: unknown) => {
        this.#writeLog(`[${error instanceof Error ? error.message : error}]\n`);
        answerJson(response, 503, { code: 'BOOT_ERROR', message: 'Function failed to start (please check logs)' });
      });
      if (!isolate) return;
      let delivered = false;
      try {
        delivered = await proxyRequest(request, response, {
          port: isolate.port,
          path,
          idleTimeoutMs: this.#options.idleTimeoutMs,
        });
        return;
      } catch (error) {
        // It died between two requests and nobody had noticed: nothing was sent yet, so another one may have it.
        if (error instanceof ProxyFailure && error.reason === 'unreachable') {
          await isolate.end();
          continue;
        }
        await answerFailure(response, isolate, error);
        return;
      } finally {
        isolate.endRequest({ delivered });
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new StoppedError('the stack is stopping'));
    await Promise.all(this.living.map((isolate) => isolate.end()));
    await new Promise<void>((resolve) => this.#log.end(resolve));
  }

  #take(): Promise<FunctionProcess> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) return reject(new StoppedError('the stack is stopping'));
      this.#waiting.push({ resolve, reject });
      this.#serveWaiting();
    });
  }

  #serveWaiting(): void {
    while (this.#waiting.length > 0) {
      const idle = this.living.find((isolate) => isolate.state === 'idle');
      if (!idle) break;
      idle.beginRequest();
      this.#waiting.shift()?.resolve(idle);
    }
    const booting = this.living.filter((isolate) => isolate.state === 'booting').length;
    const counted = this.living.filter((isolate) => isolate.state !== 'retired').length;
    const wanted = Math.min(this.#waiting.length - booting, this.#options.isolates - counted);
    for (let started = 0; started < wanted && !this.#stopped; started += 1) this.#start();
  }

  #start(): void {
    const isolate: FunctionProcess = new FunctionProcess(this.#edgeFunction, {
      limits: this.#options.limits,
      env: { ...this.#options.env, SB_EXECUTION_ID: crypto.randomUUID() },
      denoDir: DENO_DIR,
      writeLog: (text) => this.#writeLog(text),
      // In a later turn, so that nobody sees a list that is being changed.
      onChange: () => queueMicrotask(() => this.#refresh()),
    });
    this.living.push(isolate);
    this.#options.guard?.watch(isolate.pid, 'KILL');
    this.#onChange();
    isolate.ready.catch((error) => this.#waiting.shift()?.reject(error));
  }

  /** The last words of an isolate may come after the log was closed. */
  #writeLog(text: string): void {
    if (this.#log.writable) this.#log.write(text);
  }

  #refresh(): void {
    for (const { pid } of this.living.filter((isolate) => !isolate.alive)) this.#options.guard?.unwatch(pid);
    this.living = this.living.filter((isolate) => isolate.alive);
    this.#onChange();
    this.#serveWaiting();
  }
}

/** The platform's answers when an isolate goes away in the middle of a request. */
async function answerFailure(response: ServerResponse, isolate: FunctionProcess, error: unknown): Promise<void> {
  if (error instanceof ProxyFailure && error.reason === 'idle') {
    answerJson(response, 504, { code: 'IDLE_TIMEOUT', message: 'Function did not answer in time' });
  } else if (isolate.endedBy === 'wall_clock') {
    answerJson(response, 546, { code: 'WORKER_LIMIT', message: 'Function failed due to exceeding its limits' });
  } else {
    answerJson(response, 503, { code: 'WORKER_ERROR', message: 'Function exited before it had answered' });
  }
}

/** Writes functions.json, which names the processes; changes that come while it writes are written once more. */
function stateWriter(path: string, pools: Map<string, IsolatePool>): () => Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  let scheduled = false;
  return () => {
    if (scheduled) return writing;
    scheduled = true;
    writing = writing.then(async () => {
      scheduled = false;
      const state = Object.fromEntries([...pools].map(([name, pool]) => [name, pool.living.map(describe)]));
      await writeFile(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`);
      await rename(`${path}.new`, path);
    });
    return writing;
  };
}

function describe({ pid, port, state, requests, bootedAt }: FunctionProcess) {
  return { pid, port, state, requests, bootedAt: bootedAt.toISOString() };
}
