/** Run by Deno 2.1.4: `decrypt.ts <private key file> <codec>` decrypts and decompresses stdin to stdout. */
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import type { CodecName } from '../../../../supabase/functions/_shared/archive/contracts.ts';
import { createDecipher } from '../../../../supabase/functions/_shared/archive/decipher.ts';
import { decompress } from '../../../../supabase/functions/_shared/archive/decompress.ts';

const [keyFile, codecName] = process.argv.slice(2) as [string, CodecName];
const decipher = await createDecipher(await readFile(keyFile, 'utf8'));
for await (const bytes of decompress(codecName, decipher.decrypt(process.stdin))) {
  await new Promise((resolve) => process.stdout.write(bytes, resolve));
}
