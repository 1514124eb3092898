import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Manifest } from '../../../supabase/functions/_shared/domain/manifest-types.ts';
import type { Archive } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { ddlSections } from '../../../supabase/functions/_shared/restore/ddl-sections.ts';
import { block, HEAD, labels, TAIL } from './dump-text.ts';

const MANIFEST = {
  schema: { sections: ['pre', 'values', 'post'] },
  objects: [
    { path: 'post', kind: 'post-data' },
    { path: 'pre', kind: 'pre-data' },
    { path: 'values', kind: 'sequences' },
  ],
} as unknown as Manifest;

function archiveOf(read: Archive['read']): Archive {
  return { location: 'somewhere', manifest: MANIFEST, signedBy: null, readStored: read, read };
}

test('a section is read once, whoever asks for it, and a section that nobody asks for is not read', async () => {
  const reads: string[] = [];
  const bytes = new TextEncoder().encode(HEAD + block('TABLE', 'täble', 'CREATE TABLE "public"."täble" ();') + TAIL);
  const sections = ddlSections(
    archiveOf(async function* (path) {
      reads.push(path);
      // Cut everywhere, also inside of a character.
      for (let at = 0; at < bytes.length; at += 1) yield bytes.subarray(at, at + 1);
    }),
  );
  const [first, second] = await Promise.all([sections.entries('pre-data'), sections.entries('pre-data')]);
  assert.equal(first, second);
  assert.deepEqual(labels(first!), ['', 'TABLE täble']);
  assert.deepEqual(reads, ['pre']);
});

test('a section that is too large to be one is refused, with its name and the limit in bytes', async () => {
  const block64 = new Uint8Array(64 * 1024 * 1024).fill(32);
  const sections = ddlSections(
    archiveOf(async function* () {
      for (let blocks = 0; blocks < 5; blocks += 1) yield block64;
    }),
  );
  await assert.rejects(sections.entries('post-data'), {
    code: 'ARCHIVE_DAMAGED',
    message: /post: a section of DDL must be at most 268435456 bytes/,
  });
});
