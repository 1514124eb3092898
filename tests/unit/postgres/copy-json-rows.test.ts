import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonRows } from '../../../supabase/functions/_shared/postgres/copy-json-rows.ts';

const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');

function binaryCopy(rows: string[]): Buffer {
  const tuples = rows.map((row) => {
    const head = Buffer.alloc(6);
    head.writeInt16BE(1, 0);
    head.writeInt32BE(Buffer.byteLength(row), 2);
    return Buffer.concat([head, Buffer.from(row)]);
  });
  return Buffer.concat([HEADER, ...tuples, Buffer.from([0xff, 0xff])]);
}

function transform(bytes: Buffer, cuts: number[]) {
  const json = new JsonRows();
  const bounds = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  const blocks = bounds
    .slice(1)
    .map((end, index) => json.transform({ bytes: bytes.subarray(bounds[index]!, end), rows: 0 }));
  return {
    text: Buffer.concat(blocks.map((block) => block.bytes)).toString(),
    rows: blocks.reduce((sum, block) => sum + block.rows, 0),
  };
}

test('rows come out joined by a comma and a line break, wherever the stream is cut', () => {
  const row = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => Buffer.from(text).toString() === text);
  fc.assert(
    fc.property(fc.array(row, { maxLength: 8 }), fc.array(fc.nat(500), { maxLength: 20 }), (rows, cuts) => {
      const bytes = binaryCopy(rows);
      const result = transform(
        bytes,
        cuts.map((cut) => cut % bytes.length),
      );
      assert.equal(result.text, rows.join(',\n'));
      assert.equal(result.rows, rows.length);
    }),
  );
});

test('a foreign signature, a second field, a null and bytes after the end are refused', () => {
  const code = { code: 'PROTOCOL_VIOLATED' };
  assert.throws(() => transform(Buffer.alloc(30), []), code);
  assert.throws(() => transform(Buffer.concat([HEADER, Buffer.from([0, 2, 0, 0, 0, 1, 65])]), []), code);
  assert.throws(() => transform(Buffer.concat([HEADER, Buffer.from([0, 1, 255, 255, 255, 255])]), []), code);
  assert.throws(() => transform(Buffer.concat([binaryCopy(['{}']), Buffer.from([1])]), []), code);
});
