import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RawRestoreOptions } from '../../../scripts/cli/restore-command.ts';
import { isArchiveFile, parseRestoreOptions } from '../../../scripts/cli/restore-options.ts';

function options(raw: RawRestoreOptions) {
  const parsed = parseRestoreOptions({ backup: 'latest', ...raw });
  assert.ok('options' in parsed, JSON.stringify(parsed));
  return parsed.options;
}

function problems(raw: RawRestoreOptions): string[] {
  const parsed = parseRestoreOptions({ backup: 'latest', ...raw });
  assert.ok('problems' in parsed);
  return parsed.problems;
}

test('without options: everything, safe mode, two jobs, and nothing that exists is touched', () => {
  assert.deepEqual(options({}).restore, {
    tables: null,
    schemas: null,
    renameSchema: null,
    only: null,
    onConflict: 'fail',
    jobs: 2,
    activate: false,
  });
});

test('options become the restore that was asked for', () => {
  const { restore, reports } = options({
    tables: ['bookings', 'auth.users'],
    schema: ['public'],
    renameSchema: 'public:rescued',
    dataOnly: true,
    onConflict: 'replace',
    jobs: '16',
    activate: true,
    report: ['a.JSON', 'b.md', 'c.d.html'],
  });
  assert.deepEqual(restore, {
    tables: ['bookings', 'auth.users'],
    schemas: ['public'],
    renameSchema: { from: 'public', to: 'rescued' },
    only: 'data',
    onConflict: 'replace',
    jobs: 16,
    activate: true,
  });
  assert.deepEqual(
    reports.map(({ form }) => form),
    ['json', 'md', 'html'],
  );
});

test('all that is wrong is said at once', () => {
  const found = problems({
    backup: ' ',
    from: '',
    tables: [],
    schema: ['auth'],
    renameSchema: 'public:pg_new',
    dataOnly: true,
    schemaOnly: true,
    onConflict: 'merge',
    jobs: '17',
    report: ['report.pdf', 'report'],
    privateKeyFile: '',
    verifyKeyFile: ' ',
  });
  const rules = [
    /^a backup must be named/,
    /^--from must name/,
    /^--tables must name/,
    /^--rename-schema must not name a schema of the system: got 'pg_new'/,
    /^--rename-schema renames 'public', which --schema leaves out: got --schema auth/,
    /^--data-only and --schema-only exclude/,
    /^--on-conflict must be one of fail, skip, replace: got 'merge'/,
    /^--jobs must be a number from 1 to 16: got '17'/,
    /^--report must end in .*: got 'report.pdf'/,
    /^--report must end in .*: got 'report'/,
    /^--private-key-file must/,
    /^--verify-key-file must/,
  ];
  for (const rule of rules)
    assert.equal(found.filter((text) => rule.test(text)).length, 1, `${rule} in\n${found.join('\n')}`);
  assert.equal(found.length, rules.length);
});

test('a schema is renamed to another name, with one colon, that PostgreSQL would not cut', () => {
  for (const text of ['public', 'public:', ':x', 'a:b:c', ''])
    assert.equal(problems({ renameSchema: text }).length, 1, text);
  assert.match(problems({ renameSchema: 'a:a' })[0]!, /another name/);
  assert.match(problems({ renameSchema: `a:${'é'.repeat(32)}` })[0]!, /at most 63 bytes/);
  assert.deepEqual(options({ renameSchema: `a:${'é'.repeat(31)}` }).restore.renameSchema, {
    from: 'a',
    to: 'é'.repeat(31),
  });
});

test('jobs are a whole number from 1 to 16', () => {
  for (const jobs of ['0', '17', '-1', '1.5', 'two', '', '1e1']) assert.equal(problems({ jobs }).length, 1, jobs);
});

test('a local archive is known by its name, and takes no --from', () => {
  assert.deepEqual(['backup-2026-01-14.tar.gz', 'B.TGZ', 'latest', 'weekly/2026-W02'].map(isArchiveFile), [
    true,
    true,
    false,
    false,
  ]);
  assert.match(problems({ backup: 'x.tar.gz', from: '/backups' })[0]!, /--from does not go with an archive file/);
});
