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

/** The build's exports have one-letter names; this is what they are in its own glue code. */
interface Exports {
  /** memory */
  f: WebAssembly.Memory;
  /** __wasm_call_ctors */
  g(): void;
  /** ZSTD_isError */
  h(code: number): number;
  /** ZSTD_compressBound */
  i(sizeBytes: number): number;
  /** ZSTD_createCCtx */
  j(): number;
  /** ZSTD_compress_usingDict; with no dictionary it is ZSTD_compressCCtx, which the build does not export. */
  l(ctx: number, out: number, outSize: number, from: number, size: number, dict: 0, dictSize: 0, level: number): number;
  /** ZSTD_createDCtx */
  n(): number;
  /** ZSTD_decompress_usingDict */
  q(ctx: number, out: number, outSize: number, from: number, size: number, dict: 0, dictSize: 0): number;
  /** malloc */
  s(sizeBytes: number): number;
  /** free */
  t(pointer: number): void;
}

let loading: Promise<Zstd> | undefined;

export function loadZstd(): Promise<Zstd> {
  loading ??= instantiate();
  return loading;
}

const PAGE_BYTES = 65_536;

async function instantiate(): Promise<Zstd> {
  let lib: Exports | undefined;
  const grow = (sizeBytes: number): number => {
    try {
      const missing = (sizeBytes >>> 0) - lib!.f.buffer.byteLength;
      lib!.f.grow(Math.ceil(missing / PAGE_BYTES));
      return 1;
    } catch {
      return 0; // malloc answers null, which WorkBuffer turns into an error
    }
  };
  const stop = () => {
    throw new Error('zstd aborted');
  };
  // _proc_exit, __emscripten_runtime_keepalive_clear, __abort_js, __setitimer_js, _emscripten_resize_heap
  const imports = { a: { a: stop, b: () => {}, c: stop, d: () => 0, e: grow } };
  const module = await WebAssembly.compile(fromBase64(ZSTD_WASM_BASE64));
  const instance = await WebAssembly.instantiate(module, imports);
  lib = instance.exports as unknown as Exports;
  lib.g();
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
  const take = (start: number, size: number) => new Uint8Array(lib.f.buffer, start, size).slice();
  const fill = (bytes: Uint8Array) => {
    const start = from.atLeast(bytes.length);
    new Uint8Array(lib.f.buffer, start, bytes.length).set(bytes);
    return start;
  };
  return {
    compress(block, level) {
      compressor ||= lib.j();
      const bound = lib.i(block.length);
      const out = to.atLeast(bound);
      const size = lib.l(compressor, out, bound, fill(block), block.length, 0, 0, level);
      if (lib.h(size)) throw new Error(`zstd cannot compress: error ${-(size | 0)}`);
      return take(out, size);
    },
    decompress(frame, sizeBytes) {
      decompressor ||= lib.n();
      const out = to.atLeast(sizeBytes);
      const size = lib.q(decompressor, out, sizeBytes, fill(frame), frame.length, 0, 0);
      if (lib.h(size))
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
    if (this.#start !== 0) this.#lib.t(this.#start);
    this.#start = this.#lib.s(Math.max(sizeBytes, 1));
    this.#size = this.#start === 0 ? 0 : sizeBytes;
    if (this.#start === 0) throw new Error(`zstd has no memory for ${sizeBytes} bytes`);
    return this.#start;
  }
}
