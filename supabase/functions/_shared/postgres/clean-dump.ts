/**
 * Takes out of pg_dump's text what is not SQL of every server: the psql commands \restrict and \unrestrict (first and
 * last lines) and `SET transaction_timeout`, which 15 and 16 do not know. Only the head and the tail are looked at: the
 * same words inside a function body are the user's.
 */

/** Fixes what pg_dump would draw at random, so that equal schemas give equal bytes. */
export const RESTRICT_KEY = 'holdfast';

/** pg_dump prints 1 kB at a time; blocks of this size are cheaper to compress. */
const BLOCK_BYTES = 64 * 1024;
/** The head ends before the first object, well within this; the tail is two lines. */
const HEAD_BYTES = 2048;
const TAIL_BYTES = 256;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export async function* cleanDump(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head = true;
  let kept: Uint8Array = new Uint8Array(0);
  for await (const block of inBlocks(source)) {
    const bytes = append(kept, head ? cleanHead(block) : block);
    head = false;
    const cut = Math.max(0, bytes.length - TAIL_BYTES);
    if (cut > 0) yield bytes.slice(0, cut);
    kept = bytes.subarray(cut);
  }
  const tail = removeFromLatin(kept, new RegExp(`(?<=\\n)\\\\unrestrict ${RESTRICT_KEY}\\n+$`));
  if (tail.length > 0) yield tail;
}

function cleanHead(block: Uint8Array): Uint8Array {
  const lines = new RegExp(`^(\\\\restrict ${RESTRICT_KEY}\\n\\n?|SET transaction_timeout = 0;\\n)`, 'gm');
  const end = headEnd(block);
  return append(removeFromLatin(block.subarray(0, end), lines), block.subarray(end));
}

/** Just behind the last of the session settings that every dump begins with. */
function headEnd(block: Uint8Array): number {
  const text = decoder.decode(block.subarray(0, HEAD_BYTES));
  const settings = text.indexOf('SET client_encoding');
  return settings < 0 ? 0 : encoder.encode(text.slice(0, settings)).length;
}

/** Byte for character, so that text cut in the middle of a character comes out as it went in. */
function removeFromLatin(bytes: Uint8Array, pattern: RegExp): Uint8Array {
  const text = String.fromCharCode(...bytes);
  const cleaned = text.replace(pattern, '');
  return cleaned.length === text.length ? bytes : Uint8Array.from(cleaned, (char) => char.charCodeAt(0));
}

function append(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

async function* inBlocks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let block = new Uint8Array(BLOCK_BYTES);
  let filled = 0;
  for await (const piece of source) {
    for (let taken = 0; taken < piece.length; ) {
      const count = Math.min(piece.length - taken, BLOCK_BYTES - filled);
      block.set(piece.subarray(taken, taken + count), filled);
      filled += count;
      taken += count;
      if (filled < BLOCK_BYTES) continue;
      yield block;
      block = new Uint8Array(BLOCK_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}
