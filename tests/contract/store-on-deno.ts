/** Run by store-on-deno.test.ts on the edge runtime's Deno: every case of the contract, one line of JSON for each. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { createDirectoryStore } from '../../supabase/functions/_shared/stores/directory-store.ts';
import { createS3Store } from '../../supabase/functions/_shared/stores/s3-store.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { STORE_CASES } from './store-cases.ts';

const { folder, s3 } = JSON.parse(process.env.HOLDFAST_STORE_ON_DENO ?? '{}');
const directory = await mkdtemp(join(folder, 'deno-'));
let count = 0;

const STORES: Record<string, () => Store> = {
  directory: () => createDirectoryStore(join(directory, String(count++))),
  ...(s3 ? { s3: () => createS3Store({ ...s3, prefix: `deno/${crypto.randomUUID()}` }) } : {}),
};

for (const [kind, create] of Object.entries(STORES)) {
  for (const { name, run } of STORE_CASES) {
    // The prefix takes bytes of the key.
    if (kind === 's3' && name.startsWith('a key of 1,024 bytes')) continue;
    const error = await run(create()).then(
      () => null,
      (failure) => String(failure?.stack ?? failure),
    );
    console.log(JSON.stringify({ kind, name, error }));
  }
}
await rm(directory, { recursive: true, force: true });
