import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { newBackupId, parseBackupId } from '../../../supabase/functions/_shared/domain/backup-id.ts';
import { CADENCES, isCadence } from '../../../supabase/functions/_shared/domain/cadence.ts';
import { encodeName } from '../../../supabase/functions/_shared/domain/encode-name.ts';
import { backupFolder, schemaPath, segmentPath } from '../../../supabase/functions/_shared/domain/object-path.ts';
import { periodOf } from '../../../supabase/functions/_shared/domain/period.ts';
import { RESTORE_PHASES, TABLE_TIERS } from '../../../supabase/functions/_shared/domain/table-tiers.ts';

const MOMENT = new Date('2026-01-14T15:30:45.678Z');
const anyMoment = fc.date({ min: new Date('1971-01-01'), max: new Date('2199-12-31'), noInvalidDate: true });

test('a backup id says cadence, UTC time and a random part', () => {
  assert.equal(newBackupId('manual', MOMENT, '9f3c11ab'), 'manual_20260114_153045_9f3c11ab');
});

test('every backup id that is made is read back, to the second', () => {
  const random = fc.integer({ min: 0, max: 0xffffffff }).map((value) => value.toString(16).padStart(8, '0'));
  fc.assert(
    fc.property(fc.constantFrom(...CADENCES), anyMoment, random, (cadence, now, hex) => {
      const parts = parseBackupId(newBackupId(cadence, now, hex));
      assert.deepEqual(parts, { cadence, startedAt: new Date(Math.floor(now.getTime() / 1000) * 1000), random: hex });
    }),
  );
});

test('what is no backup id is read as none', () => {
  const wrong = [
    '',
    'manual',
    'manual_20260114_153045',
    'manual_20260231_153045_9f3c11ab',
    'manual_20260114_253045_9f3c11ab',
    'manual_20260114_153045_9F3C11AB',
    'often_20260114_153045_9f3c11ab',
    'manual_20260114_153045_9f3c11ab\n',
    '../manual_20260114_153045_9f3c11ab',
  ];
  for (const text of wrong) assert.equal(parseBackupId(text), null, JSON.stringify(text));
  assert.equal(isCadence('weekly'), true);
  assert.equal(isCadence('toString'), false);
});

test('the period of every cadence is what a person looks for', () => {
  const periods = CADENCES.map((cadence) => [cadence, periodOf(cadence, MOMENT, 'Feature/XYZ')]);
  assert.deepEqual(Object.fromEntries(periods), {
    hourly: '2026-01-14-15-30',
    daily: '2026-01-14',
    weekly: '2026-W03',
    monthly: '2026-01',
    yearly: '2026',
    'pre-deployment': '2026-01-14-feature-xyz',
    emergency: '2026-01-14-15-30',
    manual: '2026-01-14-15-30',
    'on-demand': '2026-01-14-15-30',
  });
  assert.equal(periodOf('weekly', new Date('2026-01-10T00:00:00Z')), '2026-W02');
  assert.equal(periodOf('pre-deployment', MOMENT), '2026-01-14');
  assert.equal(periodOf('pre-deployment', MOMENT, '///'), '2026-01-14');
});

test('weeks are those of the date program, over turns of the year', () => {
  const days = fc.sample(anyMoment, { numRuns: 300, seed: 7 });
  for (let year = 1999; year < 2040; year += 1)
    days.push(new Date(`${year}-12-31T23:59:59Z`), new Date(`${year + 1}-01-01T00:00:00Z`));
  const input = days.map((day) => `@${Math.floor(day.getTime() / 1000)}`).join('\n');
  const weeks = execFileSync('date', ['-u', '-f', '-', '+%G-W%V'], { input }).toString().trim().split('\n');
  assert.deepEqual(
    days.map((day) => periodOf('weekly', day)),
    weeks,
  );
});

test('labels in any script become one safe part of a path', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (label) => {
      const period = periodOf('pre-deployment', MOMENT, label);
      assert.match(period, /^2026-01-14(-[A-Za-z0-9_%~-]+)?$/);
      assert.ok(period.length <= 110);
    }),
  );
  assert.equal(periodOf('pre-deployment', MOMENT, 'релиз 2'), `2026-01-14-${encodeURIComponent('релиз')}-2`);
  assert.notEqual(periodOf('pre-deployment', MOMENT, 'релиз'), periodOf('pre-deployment', MOMENT, 'сборка'));
});

test('paths are as the archive format says', () => {
  const encoding = { codec: 'zstd', encrypted: true } as const;
  const users = { schema: 'public', name: 'users', format: 'copy', ...encoding } as const;
  assert.equal(segmentPath(users), 'tables/public.users.copy.zst.pgp');
  assert.equal(segmentPath({ ...users, part: '0002.1' }), 'tables/public.users.0002.1.copy.zst.pgp');
  assert.equal(segmentPath({ ...users, part: '0002', attempt: 3 }), 'tables/public.users.0002.try3.copy.zst.pgp');
  assert.equal(segmentPath({ ...users, format: 'json', codec: 'gzip', attempt: 1 }), 'tables/public.users.json.gz.pgp');
  assert.equal(segmentPath({ ...users, format: 'csv', codec: 'none', encrypted: false }), 'tables/public.users.csv');
  assert.equal(schemaPath('pre-data', encoding), 'schema/pre-data.sql.zst.pgp');
  assert.equal(
    schemaPath('sequences', { codec: 'gzip', encrypted: false, attempt: 2 }),
    'schema/sequences.try2.sql.gz',
  );
  const folder = backupFolder({ cadence: 'daily', period: '2026-01-14', backupId: 'daily_20260114_020000_9f3c11ab' });
  assert.equal(folder, 'daily/2026-01-14/daily_20260114_020000_9f3c11ab');
});

/** Up to 63 bytes of UTF-8, as PostgreSQL allows. */
const identifier = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 63 })
  .filter((name) => !name.includes('\0') && new TextEncoder().encode(name).length <= 63);

test('two tables never share a path, whatever they are called', () => {
  const base = { format: 'copy', codec: 'zstd', encrypted: true } as const;
  const part = fc.constantFrom('', '0001', '0001.1', '0002');
  fc.assert(
    fc.property(identifier, identifier, identifier, identifier, part, part, (s1, n1, s2, n2, p1, p2) => {
      fc.pre(s1 !== s2 || n1 !== n2 || p1 !== p2);
      const one = segmentPath({ ...base, schema: s1, name: n1, part: p1 });
      assert.notEqual(one, segmentPath({ ...base, schema: s2, name: n2, part: p2 }));
    }),
  );
  assert.notEqual(
    segmentPath({ ...base, schema: 'a', name: 'b.c' }),
    segmentPath({ ...base, schema: 'a.b', name: 'c' }),
  );
  assert.notEqual(
    segmentPath({ ...base, schema: 'a', name: 'b.0001' }),
    segmentPath({ ...base, schema: 'a', name: 'b', part: '0001' }),
  );
});

test('every path fits the limits of file systems and of S3, also for the longest names', () => {
  const check = (schema: string, name: string) => {
    const path = segmentPath({
      schema,
      name,
      part: '0123.1.2.1.2.1.2',
      format: 'copy',
      codec: 'zstd',
      encrypted: true,
      attempt: 12,
    });
    assert.match(path, /^[A-Za-z0-9_%~.-]+\/[A-Za-z0-9_%~.-]+$/);
    assert.ok(path.length - 'tables/'.length <= 255, path);
  };
  fc.assert(fc.property(identifier, identifier, check));
  check('𝒜'.repeat(15), '💾'.repeat(15));
  assert.notEqual(encodeName('💾'.repeat(15)), encodeName(`${'💾'.repeat(14)}💿`));
});

test('short names are percent-encoded so that decodeURIComponent gives them back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 7 }), (name) => {
      const encoded = encodeName(name);
      if (!encoded.includes('~')) assert.equal(decodeURIComponent(encoded), name);
    }),
  );
});

test('the preset has 17 tables in five tiers, and every one of them has a phase', () => {
  const tiered = TABLE_TIERS.flatMap((tier) => tier.tables);
  const phased = RESTORE_PHASES.flatMap((phase) => phase.tables);
  assert.equal(tiered.length, 17);
  assert.equal(new Set(tiered).size, 17);
  assert.deepEqual([...phased].sort(), [...tiered].sort());
  assert.deepEqual(
    TABLE_TIERS.map((tier) => tier.tier),
    [1, 2, 3, 4, 5],
  );
});
