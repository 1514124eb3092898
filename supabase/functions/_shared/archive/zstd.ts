/**
 * Zstandard in WebAssembly, one instance per isolate. Nothing happens at import: the module is compiled by the first
 * call of loadZstd() (about 3 ms). The two work buffers are kept and grow to the largest frame seen, never beyond it.
 */
import { Buffer } from 'node:buffer';
import { ERRORS } from '../errors.ts';
import { ZSTD_WASM_BASE64 } from '../vendor/zstd/zstd-wasm.ts';

export interface Zstd {
  /** One frame with its content size in the header. `block` may be reused afterwards. */
  compress(block: Uint8Array, level: number): Uint8Array;
  /** The content of exactly one frame; `sizeBytes` is its content size or an upper bound. Throws ARCHIVE_DAMAGED. */
  decompress(frame: Uint8Array, sizeBytes: number): Uint8Array;
}

/** What scripts/dev/build-zstd exports. */
interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  malloc(sizeBytes: number): number;
  free(pointer: number): void;
  ZSTD_isError(code: number): number;
  ZSTD_compressBound(sizeBytes: number): number;
  ZSTD_createCCtx(): number;
  ZSTD_compressCCtx(ctx: number, out: number, outSize: number, from: number, size: number, level: number): number;
  ZSTD_createDCtx(): number;
  ZSTD_decompressDCtx(ctx: number, out: number, outSize: number, from: number, size: number): number;
}

let loading: Promise<Zstd> | undefined;

export function loadZstd(): Promise<Zstd> {
  loading ??= instantiate();
  return loading;
}

async function instantiate(): Promise<Zstd> {
  const module = await WebAssembly.compile(fromBase64(ZSTD_WASM_BASE64));
  const lib = (await WebAssembly.instantiate(module)).exports as unknown as Exports;
  lib._initialize();
  return bind(lib);
}

/** node:buffer decodes in 1 ms, a loop over atob() in 35 ms. SAFETY: a Buffer is a Uint8Array; Deno's types deny it. */
function fromBase64(text: string): BufferSource {
  return Buffer.from(text, 'base64') as unknown as BufferSource;
}

function bind(lib: Exports): Zstd {
  const from = new WorkBuffer(lib);
  const to = new WorkBuffer(lib);
  let compressor = 0;
  let decompressor = 0;
  const take = (start: number, size: number) => new Uint8Array(lib.memory.buffer, start, size).slice();
  const fill = (bytes: Uint8Array) => {
    const start = from.atLeast(bytes.length);
    new Uint8Array(lib.memory.buffer, start, bytes.length).set(bytes);
    return start;
  };
  return {
    compress(block, level) {
      compressor ||= lib.ZSTD_createCCtx();
      const bound = lib.ZSTD_compressBound(block.length);
      const out = to.atLeast(bound);
      const size = lib.ZSTD_compressCCtx(compressor, out, bound, fill(block), block.length, level);
      if (lib.ZSTD_isError(size)) throw new Error(`zstd cannot compress: error ${-(size | 0)}`);
      return take(out, size);
    },
    decompress(frame, sizeBytes) {
      decompressor ||= lib.ZSTD_createDCtx();
      const out = to.atLeast(sizeBytes);
      const size = lib.ZSTD_decompressDCtx(decompressor, out, sizeBytes, fill(frame), frame.length);
      if (lib.ZSTD_isError(size))
        throw ERRORS.ARCHIVE_DAMAGED(`a zstd frame of ${frame.length} bytes does not decompress: error ${-(size | 0)}`);
      return take(out, size);
    },
  };
}

class WorkBuffer {
  readonly #lib: Exports;
  #start = 0;
  #size = 0;

  constructor(lib: Exports) {
    this.#lib = lib;
  }

  atLeast(sizeBytes: number): number {
    if (this.#start !== 0 && sizeBytes <= this.#size) return this.#start;
    if (this.#start !== 0) this.#lib.free(this.#start);
    this.#start = this.#lib.malloc(Math.max(sizeBytes, 1));
    this.#size = this.#start === 0 ? 0 : sizeBytes;
    if (this.#start === 0) throw new Error(`zstd has no memory for ${sizeBytes} bytes`);
    return this.#start;
  }
}
