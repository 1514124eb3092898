import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZSTD_WASM_BASE64 } from '../../../supabase/functions/_shared/vendor/zstd/zstd-wasm.ts';

const CODE_SECTION = 10;
/** The largest there is, of the decompressor, has 10,753; all compressing loops in one have 19,002. */
const MAX_FUNCTION_BYTES = 12_000;

/** Sizes of the functions of a WebAssembly module. */
function functionSizes(module: Uint8Array): number[] {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const octet = module[at++]!;
      value += (octet & 0x7f) * 2 ** shift;
      if (octet < 0x80) return value;
    }
  };
  for (;;) {
    const section = module[at++];
    const end = number() + at;
    if (section !== CODE_SECTION) at = end;
    else {
      return Array.from({ length: number() }, () => {
        const size = number();
        at += size;
        return size;
      });
    }
  }
}

test('no function is so large that V8 takes long to optimize it, which every fresh isolate would pay', () => {
  const sizes = functionSizes(Buffer.from(ZSTD_WASM_BASE64, 'base64'));
  assert.ok(sizes.length > 100);
  assert.ok(Math.max(...sizes) < MAX_FUNCTION_BYTES, `the largest has ${Math.max(...sizes)} bytes`);
});
