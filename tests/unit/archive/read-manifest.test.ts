import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { readManifest } from '../../../supabase/functions/_shared/archive/read-manifest.ts';
import type { Manifest } from '../../../supabase/functions/_shared/domain/manifest-types.ts';

const SEGMENT = 'tables/public.bookings.0001.copy.zst.pgp';
const SECTION = 'schema/pre-data.sql.zst.pgp';

const MANIFEST: Manifest = {
  format: 'holdfast-archive',
  version: { major: 1, minor: 0 },
  backup_id: 'manual_20260114_020000_9f3c11ab',
  cadence: 'manual',
  period: '2026-01-14-02-00',
  reason: 'before the move',
  scope: { tables: ['public.bookings'], where: [{ table: 'bookings', column: 'id', operator: '>=', value: '7' }] },
  created_at: '2026-01-14T02:00:00.000Z',
  completed_at: '2026-01-14T02:00:09.000Z',
  status: 'completed_with_limits',
  limits: [{ code: 'FOREIGN_TABLE', object: 'public.far', message: 'rows of public.far are not taken' }],
  tool: { name: 'holdfast', version: '0.1.0' },
  source: {
    database: 'postgres',
    server_version: '17.6',
    server_version_num: 170006,
    encoding: 'UTF8',
    supabase: true,
    system_identifier: '7557812345678901234',
  },
  consistency: {
    way: 'keeper',
    snapshot: '00000005-0000001B-1',
    pg_snapshot: '795:799:795,797',
    lsn: '0/19D4A90',
    taken_at: '2026-01-14T02:00:01.123456+00:00',
  },
  data_format: 'copy',
  codec: 'zstd',
  encryption: {
    scheme: 'openpgp',
    recipients: [
      { fingerprint: 'B25B2C4EB8E5A70925E7C24431DB08994DC25A2D', user_id: 'Backup <b@example.com>', expires_at: null },
    ],
  },
  signing: { fingerprint: 'C06A3296E12446245EABFA40B8BC0D0A6F39080A' },
  schema: {
    managed_schemas: ['auth', 'storage'],
    extensions: [{ name: 'pgcrypto', version: '1.3', schema: 'extensions' }],
    sections: [SECTION],
  },
  tables: [
    {
      schema: 'public',
      name: 'bookings',
      columns: ['id', 'Größe'],
      managed: false,
      persistence: 'p',
      rows: 12,
      raw_bytes: 100,
      stored_bytes: 60,
      segments: [SEGMENT],
    },
  ],
  objects: [
    { path: SECTION, kind: 'pre-data', size: 40, sha256: 'a'.repeat(64), raw_bytes: 90 },
    {
      path: SEGMENT,
      kind: 'segment',
      size: 60,
      sha256: 'b'.repeat(64),
      raw_bytes: 100,
      rows: 12,
      store_sha256: 'b'.repeat(64),
    },
  ],
  totals: { tables: 1, rows: 12, objects: 2, raw_bytes: 190, stored_bytes: 100 },
};

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const schema = JSON.parse(
  readFileSync(new URL('../../../docs/reference/manifest.schema.json', import.meta.url), 'utf8'),
);
const validate = new Ajv2020({ strict: false, formats: { 'date-time': true } }).compile(schema);

type Draft = { -readonly [K in keyof Manifest]: Manifest[K] } & Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: a damaged manifest has no type.
function damaged(damage: (draft: any) => void): Draft {
  const draft = structuredClone(MANIFEST) as Draft;
  damage(draft);
  return draft;
}

test('a manifest is read as it was written, and the committed JSON Schema accepts it', async () => {
  assert.deepEqual(await readManifest(bytesOf(MANIFEST)), MANIFEST);
  assert.equal(validate(MANIFEST), true, JSON.stringify(validate.errors));
});

test('fields that a later minor version adds are no damage', async () => {
  const later = damaged((draft) => {
    draft.version.minor = 7;
    draft.chain = { parent: 'x' };
    draft.tables[0].extra = true;
  });
  assert.equal((await readManifest(bytesOf(later))).version.minor, 7);
  assert.equal(validate(later), true, JSON.stringify(validate.errors));
});

test('a newer major version is refused as such, whatever else it looks like', async () => {
  const newer = { format: 'holdfast-archive', version: { major: 2 }, everything: 'else' };
  await assert.rejects(readManifest(bytesOf(newer)), { code: 'MANIFEST_TOO_NEW', message: /version 2.*reads up to 1/ });
});

const BY_SCHEMA: Record<string, (draft: never) => void> = {
  // biome-ignore-start lint/suspicious/noExplicitAny: a damaged manifest has no type.
  'a field is missing': (draft: any) => delete draft.codec,
  'a size is negative': (draft: any) => (draft.objects[0].size = -1),
  'a hash is short': (draft: any) => (draft.objects[0].sha256 = 'abc'),
  'a path leaves the folder': (draft: any) => (draft.objects[0].path = '../../etc/passwd'),
  'a path is absolute': (draft: any) => (draft.objects[0].path = '/etc/passwd'),
  'a path hides a way out': (draft: any) => (draft.objects[0].path = 'schema/../../x'),
  'a codec is unknown': (draft: any) => (draft.codec = 'lzma'),
  'the time is no time': (draft: any) => (draft.created_at = 'yesterday'),
};
const BY_SENSE: Record<string, (draft: never) => void> = {
  'a segment is not among the objects': (draft: any) => (draft.tables[0].segments = ['tables/other']),
  'an object is listed twice': (draft: any) => draft.objects.push(draft.objects[0]),
  'rows do not add up': (draft: any) => (draft.objects[1].rows = 11),
  'the total of rows is wrong': (draft: any) => (draft.totals.rows = 13),
  'a section is not among the objects': (draft: any) => (draft.schema.sections = ['schema/x']),
  'objects were cut off': (draft: any) => draft.objects.pop(),
  // biome-ignore-end lint/suspicious/noExplicitAny: end
};

for (const [name, damage] of Object.entries({ ...BY_SCHEMA, ...BY_SENSE })) {
  test(`a manifest in which ${name} is invalid`, async () => {
    const manifest = damaged(damage as (draft: unknown) => void);
    await assert.rejects(readManifest(bytesOf(manifest)), { code: 'MANIFEST_INVALID' });
    // Ajv knows no times here; all else the schema must refuse too.
    if (name in BY_SCHEMA && !name.includes('time')) assert.equal(validate(manifest), false);
  });
}

test('bytes that are no manifest are refused with an error of the catalogue', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => new TextEncoder().encode(text)),
      ),
      async (bytes) => {
        await assert.rejects(readManifest(bytes), { code: 'MANIFEST_INVALID' });
      },
    ),
  );
  for (const text of [
    '',
    'null',
    '[]',
    '7',
    '{"format":"holdfast-archive"}',
    '{"format":"other","version":{"major":1}}',
  ]) {
    await assert.rejects(readManifest(new TextEncoder().encode(text)), { code: 'MANIFEST_INVALID' }, text);
  }
});

test('a manifest cut off at any byte is refused', async () => {
  const bytes = bytesOf(MANIFEST);
  for (let length = 0; length < bytes.length; length += 37) {
    await assert.rejects(readManifest(bytes.subarray(0, length)), { code: 'MANIFEST_INVALID' });
  }
});

test('the committed reference files are what the code says', () => {
  const script = new URL('../../../scripts/dev/generate-reference.ts', import.meta.url).pathname;
  const result = spawnSync(process.execPath, ['--import', 'tsx', script, '--check']);
  assert.equal(result.status, 0, result.stderr.toString());
});
