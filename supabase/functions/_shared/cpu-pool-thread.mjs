/**
 * One thread of the CpuPool: blocks in, zstd frames out, in the order they came. Plain JavaScript without imports of
 * ours, because tsx does not load TypeScript in the threads of Node 20, and so that it starts in a few milliseconds.
 */
import { parentPort, workerData } from 'node:worker_threads';
import zlib from 'node:zlib';

/** @type {(block: Uint8Array, level: number) => Uint8Array} */
const compress = zlib.zstdCompressSync ? compressNatively : compressInWebAssembly(workerData.zstdModule);

parentPort.on('message', ({ id, buffer, offset, length, level }) => {
  try {
    const frame = compress(new Uint8Array(buffer, offset, length), level);
    parentPort.postMessage({ id, frame, buffer }, [frame.buffer, buffer]);
  } catch (error) {
    parentPort.postMessage({ id, error: String(error) });
  }
});

function compressNatively(block, level) {
  const { ZSTD_c_compressionLevel, ZSTD_c_contentSizeFlag } = zlib.constants;
  const params = { [ZSTD_c_compressionLevel]: level, [ZSTD_c_contentSizeFlag]: 1 };
  // The result is a Buffer in a larger store, which must not travel with it.
  return new Uint8Array(zlib.zstdCompressSync(block, { params, pledgedSrcSize: block.length }));
}

/** The calls of archive/zstd.ts that compressing takes. */
function compressInWebAssembly(module) {
  const lib = new WebAssembly.Instance(module).exports;
  lib._initialize();
  const context = lib.ZSTD_createCCtx();
  let work = { size: 0, from: 0, to: 0 };
  return (block, level) => {
    if (block.length > work.size) work = reserve(block.length);
    new Uint8Array(lib.memory.buffer, work.from, block.length).set(block);
    const bound = lib.ZSTD_compressBound(block.length);
    const size = lib.ZSTD_compressCCtx(context, work.to, bound, work.from, block.length, level);
    if (lib.ZSTD_isError(size)) throw new Error(`zstd cannot compress: error ${-(size | 0)}`);
    return new Uint8Array(lib.memory.buffer, work.to, size).slice();
  };

  function reserve(size) {
    if (work.from !== 0) lib.free(work.from);
    if (work.to !== 0) lib.free(work.to);
    work = { size: 0, from: 0, to: 0 };
    const reserved = { size, from: lib.malloc(size), to: lib.malloc(lib.ZSTD_compressBound(size)) };
    if (reserved.from === 0 || reserved.to === 0) throw new Error(`zstd has no memory for ${size} bytes`);
    return reserved;
  }
}
