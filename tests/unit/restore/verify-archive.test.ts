import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Manifest } from '../../../supabase/functions/_shared/domain/manifest-types.ts';
import { ERRORS, type HoldfastError } from '../../../supabase/functions/_shared/errors.ts';
import type { Archive } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { verifyArchive } from '../../../supabase/functions/_shared/restore/verify-archive.ts';

interface Reading {
  /** Read at this moment, and the most at once. */
  now: number;
  most: number;
  begun: string[];
}

/** An archive whose objects have two blocks of 10 bytes and fail at their end as told. */
function archiveOf(failures: Record<string, Error> = {}, tables: Manifest['tables'] = []) {
  const reading: Reading = { now: 0, most: 0, begun: [] };
  async function* readStored(path: string) {
    reading.begun.push(path);
    reading.now += 1;
    reading.most = Math.max(reading.most, reading.now);
    try {
      for (let block = 0; block < 2; block++) {
        await new Promise((resolve) => setImmediate(resolve));
        yield new Uint8Array(10);
      }
      if (failures[path]) throw failures[path];
    } finally {
      reading.now -= 1;
    }
  }
  const archive = { location: 'memory', manifest: { tables }, signedBy: null, readStored, read: readStored };
  return { archive: archive as unknown as Archive, reading };
}

const paths = Array.from({ length: 20 }, (_, at) => `tables/${at}`);
const damage = (path: string) => ERRORS.ARCHIVE_DAMAGED(`object '${path}' is damaged`, { details: { object: path } });

function table(name: string, segments: string[]): Manifest['tables'][number] {
  const sizes = { rows: 0, raw_bytes: 0, stored_bytes: 0 };
  return { schema: 'public', name, columns: [], managed: false, persistence: 'p', ...sizes, segments };
}

/** Nobody waits for readers that are told to end: one block more may be on its way to each. */
async function nothingIsOpen(reading: Reading): Promise<void> {
  for (let turns = 0; reading.now > 0; turns++) {
    assert.ok(turns < 1000, `${reading.now} are left open`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('every object is read once, as many at the same time as jobs says and no more', async () => {
  for (const jobs of [1, 3, 100]) {
    const { archive, reading } = archiveOf();
    let bytes = 0;
    await verifyArchive(archive, { paths: [...paths, ...paths], jobs, onBytes: (count) => (bytes += count) });
    assert.deepEqual(reading.begun.toSorted(), paths.toSorted());
    assert.equal(bytes, 400);
    assert.equal(reading.most, Math.min(jobs, paths.length));
  }
});

test('all damaged objects are named together, in the order that was asked for', async () => {
  const bad = [paths[3]!, paths[11]!, paths[17]!];
  const { archive, reading } = archiveOf(Object.fromEntries(bad.map((path) => [path, damage(path)])));
  await assert.rejects(verifyArchive(archive, { paths, jobs: 4 }), (error: HoldfastError) => {
    assert.equal(error.code, 'ARCHIVE_DAMAGED');
    assert.equal(error.exit, 5);
    assert.equal(error.message, `3 of 20 objects are damaged, the first: object '${bad[0]}' is damaged`);
    assert.deepEqual(
      (error.details.objects as { object: string }[]).map((one) => one.object),
      bad,
    );
    return true;
  });
  assert.equal(reading.begun.length, paths.length);
});

test('a store that does not answer ends the verification at once, with its own error', async () => {
  const down = ERRORS.STORE_FAILED('the store does not answer');
  const { archive, reading } = archiveOf({ [paths[2]!]: down, [paths[0]!]: damage(paths[0]!) });
  await assert.rejects(verifyArchive(archive, { paths, jobs: 3 }), (error) => error === down);
  assert.ok(reading.begun.length < 8, `${reading.begun.length} were begun`);
  await nothingIsOpen(reading);
});

test('an abort ends it with the reason of the signal', async () => {
  const { archive, reading } = archiveOf();
  const stop = new AbortController();
  const reason = new Error('interrupted');
  const work = verifyArchive(archive, { paths, jobs: 2, signal: stop.signal, onBytes: () => stop.abort(reason) });
  await assert.rejects(work, (error) => error === reason);
  await nothingIsOpen(reading);
});

test('a segment that two tables name, or one twice, is refused before anything is read', async () => {
  for (const tables of [[table('a', ['x']), table('b', ['x'])], [table('a', ['x', 'y', 'x'])]]) {
    const { archive, reading } = archiveOf({}, tables);
    await assert.rejects(verifyArchive(archive, { paths, jobs: 2 }), {
      code: 'MANIFEST_INVALID',
      message: /'x' twice/,
    });
    assert.deepEqual(reading.begun, []);
  }
});
