/** Run by Deno 2.1.4: `decrypt.ts <private key file> <codec> <in file> <out file>` decrypts and decompresses. */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import type { CodecName } from '../../../../supabase/functions/_shared/archive/contracts.ts';
import { createDecipher } from '../../../../supabase/functions/_shared/archive/decipher.ts';
import { decompress } from '../../../../supabase/functions/_shared/archive/decompress.ts';
import { writeFileFrom } from './write-file.ts';

const [keyFile, codecName, inFile, outFile] = process.argv.slice(2) as [string, CodecName, string, string];
const decipher = await createDecipher(await readFile(keyFile, 'utf8'));
await writeFileFrom(outFile, decompress(codecName, decipher.decrypt(createReadStream(inFile))));
