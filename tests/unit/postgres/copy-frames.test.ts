import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CopyFrames } from '../../../supabase/functions/_shared/postgres/copy-frames.ts';
import type { CopyBlock } from '../../../supabase/functions/_shared/postgres/session.ts';

/** CopyData messages written by hand, then CopyDone. */
function stream(rows: Uint8Array[]): Buffer {
  const parts = rows.flatMap((row) => {
    const header = Buffer.alloc(5, 'd');
    header.writeInt32BE(row.length + 4, 1);
    return [header, Buffer.from(row)];
  });
  return Buffer.concat([...parts, Buffer.from([0x63, 0, 0, 0, 4])]);
}

/** What a session does: push, take full blocks, stop at another message. Every chunk is overwritten after use. */
function readAll(bytes: Buffer, options: { cuts: number[]; blockBytes: number }) {
  const frames = new CopyFrames(options.blockBytes);
  const blocks: CopyBlock[] = [];
  const bounds = [0, ...[...options.cuts].sort((a, b) => a - b), bytes.length];
  for (let index = 1; index < bounds.length; index++) {
    const chunk = Uint8Array.from(bytes.subarray(bounds[index - 1]!, bounds[index]!));
    for (let position = 0; position < chunk.length; ) {
      position = frames.push(chunk, position);
      if (position === chunk.length) break;
      if (frames.betweenMessages && chunk[position] !== 0x64) {
        const rest = Buffer.concat([chunk.subarray(position), bytes.subarray(bounds[index]!)]);
        const last = frames.take();
        return { blocks: last ? [...blocks, last] : blocks, rest, payloadBytes: frames.payloadBytes };
      }
      const block = frames.take();
      if (block) blocks.push(block);
    }
    chunk.fill(0xee);
  }
  throw assert.fail('the end of the copy was not seen');
}

function check(rows: Uint8Array[], options: { cuts: number[]; blockBytes: number }) {
  const { blocks, rest, payloadBytes } = readAll(stream(rows), options);
  const expected = Buffer.concat(rows);
  assert.ok(Buffer.concat(blocks.map((block) => block.bytes)).equals(expected));
  assert.equal(
    blocks.reduce((sum, block) => sum + block.rows, 0),
    rows.length,
  );
  assert.deepEqual([...rest], [0x63, 0, 0, 0, 4]);
  assert.equal(payloadBytes, expected.length);
  assert.ok(blocks.every((block) => block.bytes.length <= options.blockBytes && block.bytes.length > 0));
  return blocks;
}

test('rows are the same wherever the stream is cut, block sizes included', () => {
  // A row of COPY text has at least its line break.
  const anyRow = fc.uint8Array({ minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(
      fc.array(anyRow, { maxLength: 30 }),
      fc.array(fc.nat(2000), { maxLength: 60 }),
      fc.integer({ min: 1, max: 100 }),
      (rows, cuts, blockBytes) => {
        const size = stream(rows).length;
        check(rows, { cuts: cuts.map((cut) => cut % size), blockBytes });
      },
    ),
    { numRuns: 500 },
  );
});

test('every single cut of a stream gives the same rows', () => {
  const rows = ['a\n', '', 'some longer row\tof text\n', 'dddddddd\n', 'x'.repeat(70)].map((text) => Buffer.from(text));
  for (const blockBytes of [16, 64, 1024]) {
    for (let cut = 0; cut < stream(rows).length; cut++) check(rows, { cuts: [cut], blockBytes });
  }
});

test('a stream that arrives byte by byte gives the same rows', () => {
  const rows = ['one\n', 'two\n', 'three\n'].map((text) => Buffer.from(text));
  const cuts = Array.from({ length: stream(rows).length }, (_, index) => index);
  check(rows, { cuts, blockBytes: 8 });
});

test('blocks end with whole rows unless one row is longer than a block', () => {
  const rows = ['aaaa\n', 'bbbb\n', 'cccc\n', 'd'.repeat(25), 'e\n'].map((text) => Buffer.from(text));
  const texts = check(rows, { cuts: [], blockBytes: 12 }).map((block) => Buffer.from(block.bytes).toString());
  assert.deepEqual(texts, ['aaaa\nbbbb\n', 'cccc\n', 'd'.repeat(12), 'd'.repeat(12), 'de\n']);
});

test('a small result does not hold a whole block', () => {
  const [block] = check([Buffer.from('x\n')], { cuts: [], blockBytes: 1024 * 1024 });
  assert.equal(block!.bytes.buffer.byteLength, 2);
});

test('an impossible length is refused', () => {
  for (const length of [0, 3, -1, -2147483648]) {
    const bytes = Buffer.alloc(20, 'd');
    bytes.writeInt32BE(length, 1);
    assert.throws(() => new CopyFrames(1024).push(bytes, 0), { code: 'PROTOCOL_VIOLATED' });
  }
});
