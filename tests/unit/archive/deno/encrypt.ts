/**
 * Run by Deno 2.1.4: `encrypt.ts <public key file> <codec> <megabytes> <out file>` compresses and encrypts made-up rows
 * and prints the rate and the memory to stderr.
 */
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { createCipher } from '../../../../supabase/functions/_shared/archive/cipher.ts';
import { createCodec } from '../../../../supabase/functions/_shared/archive/codec.ts';
import { compressBlocks } from '../../../../supabase/functions/_shared/archive/compress-blocks.ts';
import type { CodecName } from '../../../../supabase/functions/_shared/archive/contracts.ts';
import { freePassed } from '../../../../supabase/functions/_shared/archive/free-passed.ts';
import { rowBlocks } from './row-blocks.ts';
import { writeFileFrom } from './write-file.ts';

const [keyFile, codecName, megabytes, outFile] = process.argv.slice(2) as [string, CodecName, string, string];
const cipher = await createCipher(await readFile(keyFile, 'utf8'));
const codec = createCodec(codecName);
const started = performance.now();
let peak = 0;
let stored = 0;
const frames = compressBlocks(rowBlocks(Number(megabytes)), codec);
await writeFileFrom(outFile, cipher.encrypt(codec.ownsFrames ? freePassed(frames) : frames), (bytes) => {
  stored += bytes.length;
  const { heapUsed, external } = process.memoryUsage();
  peak = Math.max(peak, heapUsed + external);
});
const rate = (Number(megabytes) / ((performance.now() - started) / 1000)).toFixed(0);
const sizes = `${(stored / 1e6).toFixed(1)} MB stored, peak heap + external ${(peak / 1e6).toFixed(0)} MB`;
console.error(`${codecName}: ${rate} raw MB/s, ${sizes}`);
