/**
 * The CpuPool of scripts: zstd in threads of node:worker_threads. Blocks are moved to a thread and frames moved back,
 * never copied; who calls zstd() for several blocks keeps their order by keeping the order of the promises.
 */
import { Buffer } from 'node:buffer';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import zlib from 'node:zlib';
import { ERRORS } from './errors.ts';
import type { CpuPool } from './platform.ts';
import { SpareBlocks } from './spare-blocks.ts';
import { ZSTD_WASM_BASE64 } from './vendor/zstd/zstd-wasm.ts';

/** A view of less than this part of its buffer is copied out: moving the buffer would take others' bytes along. */
const MOVE_IF_FILLED = 0.5;

interface Reply {
  readonly id: number;
  readonly frame?: Uint8Array;
  /** The block's, which came back. */
  readonly buffer?: ArrayBuffer;
  readonly error?: string;
}

interface Waiting {
  resolve(frame: Uint8Array): void;
  reject(error: Error): void;
}

/** `size`: threads, at least 1; by default one less than the machine runs at once, so that the main thread keeps one. */
export function createCpuPool(size: number = Math.max(1, availableParallelism() - 1)): CpuPool {
  const zstdModule =
    'zstdCompressSync' in zlib ? null : new WebAssembly.Module(Buffer.from(ZSTD_WASM_BASE64, 'base64'));
  const spare = new SpareBlocks();
  const threads = Array.from({ length: size }, () => new Thread(zstdModule, spare));
  return {
    size,
    async zstd(block, level) {
      const idlest = threads.reduce((best, thread) => (thread.pending < best.pending ? thread : best));
      return await idlest.compress(block, level);
    },
    spareBlock: (sizeBytes) => spare.take(sizeBytes),
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

class Thread {
  readonly #worker: Worker;
  readonly #spare: SpareBlocks;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #failure: Error | null = null;

  constructor(zstdModule: WebAssembly.Module | null, spare: SpareBlocks) {
    this.#spare = spare;
    // No execArgv: a loader of TypeScript would only delay the start.
    this.#worker = new Worker(new URL('./cpu-pool-thread.mjs', import.meta.url), {
      workerData: { zstdModule },
      execArgv: [],
    });
    this.#worker.on('message', (reply: Reply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`the thread ended with code ${code}`)));
    this.#worker.unref();
  }

  get pending(): number {
    return this.#waiting.size;
  }

  compress(block: Uint8Array, level: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        return;
      }
      const id = this.#nextId++;
      const { buffer, byteOffset: offset } = movable(block);
      this.#waiting.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, buffer, offset, length: block.length, level }, [buffer]);
    });
  }

  async close(): Promise<void> {
    this.#fail(new Error('the pool was closed'));
    await this.#worker.terminate();
  }

  #settle({ id, frame, buffer, error }: Reply): void {
    if (buffer) this.#spare.put(new Uint8Array(buffer));
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (frame) waiting?.resolve(frame);
    else waiting?.reject(ERRORS.INTERNAL(`a block does not compress: ${error}`));
  }

  /** What a dead thread was given will never be answered. */
  #fail(cause: Error): void {
    this.#failure ??= ERRORS.INTERNAL('a compression thread ended early', { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

function movable(block: Uint8Array): Uint8Array {
  const whole = block.length >= block.buffer.byteLength * MOVE_IF_FILLED && block.buffer instanceof ArrayBuffer;
  return whole ? (block as Uint8Array) : block.slice();
}
