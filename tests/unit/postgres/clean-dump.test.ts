import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cleanDump } from '../../../supabase/functions/_shared/postgres/clean-dump.ts';

const HEAD =
  "--\n-- dump\n--\n\n\\restrict holdfast\n\nSET lock_timeout = 0;\nSET transaction_timeout = 0;\nSET client_encoding = 'UTF8';\n";
const TAIL = '--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict holdfast\n\n';

async function clean(text: string, pieceBytes: number): Promise<string> {
  const bytes = Buffer.from(text);
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  const out: Uint8Array[] = [];
  for await (const block of cleanDump(pieces())) out.push(block);
  return Buffer.concat(out).toString();
}

test('only the first and last lines are touched, never the same words in a body of any size', async () => {
  const body = fc.string({ unit: 'binary' }).filter((text) => Buffer.from(text).toString() === text);
  await fc.assert(
    fc.asyncProperty(body, fc.integer({ min: 1, max: 5000 }), fc.nat(200_000), async (text, piece, padding) => {
      const trap = '\n\\unrestrict holdfast\n\nSET transaction_timeout = 0;\n\\restrict holdfast\n';
      const middle = `${text}${trap}${'é'.repeat(padding)}${text};\n`;
      const cleaned = await clean(HEAD + middle + TAIL, piece);
      const head = "--\n-- dump\n--\n\nSET lock_timeout = 0;\nSET client_encoding = 'UTF8';\n";
      assert.ok(cleaned === `${head}${middle}--\n-- PostgreSQL database dump complete\n--\n\n`);
    }),
    { numRuns: 30 },
  );
});
