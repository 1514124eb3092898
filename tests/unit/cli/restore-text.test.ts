/** What a person reads in the terminal: the plan of --dry-run, and the report at the end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { restorePlanJson } from '../../../scripts/cli/restore-plan-json.ts';
import { restorePlanText } from '../../../scripts/cli/restore-plan-text.ts';
import { restoreReport } from '../../../scripts/cli/restore-report.ts';
import { targetWords } from '../../../scripts/cli/target-words.ts';
import type { PlannedTable, RestorePlan } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { sampleReport } from '../restore/sample-report.ts';

function planned(name: string, action: PlannedTable['action'] = 'load', schema = 'public'): PlannedTable {
  const sizes = { rows: 1000, raw_bytes: 2_000_000, stored_bytes: 500_000 };
  return {
    table: { schema: 'public', name, columns: ['id'], managed: false, persistence: 'p', segments: ['a'], ...sizes },
    target: { schema, name },
    phase: 1,
    action,
    columns: ['id'],
  };
}

function planOf(tables: PlannedTable[]): RestorePlan {
  return {
    backupId: 'weekly_20260111_020000_9f3c11ab',
    takenAt: '2026-01-11T02:00:00Z',
    tables,
    phases: [
      {
        ...{ phase: 1, name: 'authentication', validate: 'users can log in', withinMinutes: 30 },
        ...{ tables: tables.length, rows: 1000, rawBytes: 2_000_000 },
      },
    ],
    partitioned: [],
    schemaSections: { preData: true, sequences: true, postData: true },
    totals: { tables: tables.length, rows: 1000, rawBytes: 2_000_000, storedBytes: 500_000 },
    expectedSeconds: 90,
    notes: ['from PostgreSQL 15 to 17'],
  };
}

const view = (plan: RestorePlan, conflicts: string[] = []) =>
  stripVTControlCharacters(
    restorePlanText({ plan, location: '/backups', target: 'restored on localhost:5432 as me', conflicts }).join('\n'),
  );

test('the plan says what, from where, into what, in which order, how much and how long', () => {
  const text = view(planOf([planned('users'), planned('calendars', 'skip'), planned('bookings', 'load', 'rescued')]));
  for (const part of [
    'Nothing was restored (--dry-run). weekly_20260111_020000_9f3c11ab shows 2026-01-11 02:00:00 UTC',
    'into restored on localhost:5432 as me',
    'schemas, types, tables and functions, then rows, then sequences, then indexes',
    '1 authentication',
    '30 min',
    'users can log in',
    'public.bookings → rescued.bookings',
    '3 tables, 1,000 rows, 2 MB (500 kB stored)',
    'about 1 minute 30 seconds, a guess',
    'from PostgreSQL 15 to 17',
  ])
    assert.ok(text.includes(part), `${part}\n${text}`);
  assert.match(text, /public\.calendars +1 +skip/);
});

test('tables in the way are shown first, marked and counted', () => {
  const tables = Array.from({ length: 100 }, (_, index) => planned(`t${index}`));
  const text = view(planOf(tables), ['public.t99']);
  assert.match(text, /public\.t99 +1 +in the way/);
  assert.match(text, /and 40 more tables; --json lists all/);
  assert.match(text, /In the way: 1 table of the backup is in the target already/);
});

test('a name with control characters does not reach the terminal', () => {
  assert.equal(view(planOf([planned('a\u001b]0;x\u0007\nb')])).includes('a\\u{1b}]0;x\\u{7}\\u{a}b'), true);
  const report = restoreReport({ report: sampleReport(), target: 'x', files: [] }).join('\n');
  assert.equal(stripVTControlCharacters(report).includes('\u202e'), false);
  assert.ok(report.includes('\\u{1b}[31m\\u{a}'));
});

test('the plan as JSON is in snake case and has every table', () => {
  const json = restorePlanJson(planOf([planned('users')]));
  assert.equal(json.expected_seconds, 90);
  assert.deepEqual(json.phases[0]?.within_minutes, 30);
  assert.deepEqual(json.tables[0], {
    ...{ schema: 'public', name: 'users', target: { schema: 'public', name: 'users' }, phase: 1, action: 'load' },
    ...{ columns: ['id'], rows: 1000, raw_bytes: 2_000_000, stored_bytes: 500_000, segments: 1 },
  });
});

test('the report tells recovery time, data loss, phases, checks, what is missing and how to turn on what is off', () => {
  const lines = (files: string[]) =>
    stripVTControlCharacters(restoreReport({ report: sampleReport(), target: 'restored on db', files }).join('\n'));
  const text = lines(['restore.json', 'restore.html']);
  for (const part of [
    'Restore completed with limits: weekly_20260111_020000_9f3c11ab',
    'Measured recovery time: 4 minutes 32 seconds',
    'Data loss: up to 8 hours 5 minutes',
    'within the 30 minutes promised',
    'late: promised in 90 minutes',
    'inconclusive indexes: amcheck is missing',
    'Not restored:',
    'Skipped:\n  - public.calendars',
    'npm run restore:activate -- --report restore.json',
    'Report: restore.html',
  ])
    assert.ok(text.includes(part), `${part}\n${text}`);
  assert.equal(text.includes('select cron.schedule'), false);
  assert.ok(
    lines([]).includes("select cron.schedule('nightly'"),
    'without a JSON report the SQL is shown, or it would be lost',
  );
});

test('what a failed restore or a drill held back is not to be turned on now', () => {
  const error = { code: 'RESTORE_FAILED', message: 'x', hint: 'y' };
  const failed = { ...sampleReport(), status: 'failed' as const, error };
  const text = stripVTControlCharacters(restoreReport({ report: failed, target: 'x', files: [] }).join('\n'));
  assert.match(text, /Once the restore has been completed/);
  assert.equal(text.includes('select cron.schedule'), false);
  const view = { report: sampleReport(), target: 'x', drill: 'passed' as const, files: ['restore.json'] };
  const drill = stripVTControlCharacters(restoreReport(view).join('\n'));
  assert.match(drill, /^✅ Drill passed: /);
  assert.doesNotMatch(drill, /restore:activate/);
});

test('a target in words has no password', () => {
  assert.equal(targetWords('postgres://me:very-secret@[::1]:5433/my%20db'), 'my db on [::1]:5433 as me');
});
