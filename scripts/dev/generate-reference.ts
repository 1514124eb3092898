/**
 * Makes the reference files that are derived from code.
 * Usage: npx tsx scripts/dev/generate-reference.ts [--check]; with --check nothing is written and a difference ends with status 1.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { METADATA_SCHEMA } from '../../supabase/functions/_shared/account/export/metadata-schema.ts';
import { MANIFEST_SCHEMA } from '../../supabase/functions/_shared/domain/manifest.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

function manifestSchema(): string {
  // io: input, because a reader of version 1.0 accepts the fields that a later minor adds.
  const { $schema, ...schema } = z.toJSONSchema(MANIFEST_SCHEMA, { target: 'draft-2020-12', io: 'input' });
  return `${JSON.stringify({ $schema, title: 'Holdfast manifest, version 1', ...schema }, null, 2)}\n`;
}

const FILES: Record<string, () => string> = {
  'docs/reference/manifest.schema.json': manifestSchema,
  'docs/reference/personal-data.schema.json': () => `${JSON.stringify(METADATA_SCHEMA, null, 2)}\n`,
};

for (const [path, make] of Object.entries(FILES)) {
  const text = make();
  if (process.argv.includes('--check')) {
    const current = await readFile(join(ROOT, path), 'utf8').catch(() => null);
    if (current === text) continue;
    console.error(`${path} is not what the code says; run: npx tsx scripts/dev/generate-reference.ts`);
    process.exitCode = 1;
  } else {
    await mkdir(dirname(join(ROOT, path)), { recursive: true });
    await writeFile(join(ROOT, path), text);
    console.log(`wrote ${path}`);
  }
}
