import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RawExportOptions } from '../../../scripts/cli/export-command.ts';
import { parseExportOptions } from '../../../scripts/cli/export-options.ts';

function options(raw: RawExportOptions) {
  const parsed = parseExportOptions(raw);
  assert.ok('options' in parsed, JSON.stringify(parsed));
  return parsed.options;
}

function problems(raw: RawExportOptions): string[] {
  const parsed = parseExportOptions(raw);
  assert.ok('problems' in parsed);
  return parsed.problems;
}

test('every mode asks for its scope and cadence', () => {
  const asked = (raw: RawExportOptions) => {
    const { scope, cadence } = options(raw).request;
    return `${scope} ${cadence}`;
  };
  assert.equal(asked({ mode: 'weekly' }), 'critical weekly');
  assert.equal(asked({ mode: 'monthly' }), 'full monthly');
  assert.equal(asked({ mode: 'full' }), 'full manual');
  assert.equal(asked({ mode: 'emergency' }), 'full emergency');
  assert.equal(asked({ mode: 'pre-deployment', label: 'feature-xyz' }), 'full pre-deployment');
  assert.equal(asked({ mode: 'on-demand', tables: ['bookings'] }), 'tables on-demand');
});

test('json is gzipped as the JSON exports were, anything else is zstd, and the option wins', () => {
  assert.equal(options({ mode: 'full', format: 'json' }).codec, 'gzip');
  assert.equal(options({ mode: 'full', format: 'csv' }).codec, 'zstd');
  assert.equal(options({ mode: 'full', format: 'json', codec: 'zstd' }).codec, 'zstd');
});

test('a condition becomes a filter in the request, never SQL text', () => {
  const { request } = options({
    mode: 'on-demand',
    tables: ['bookings'],
    where: ["bookings.name='; drop table x --'"],
  });
  assert.deepEqual(request.where, [{ table: 'bookings', column: 'name', operator: '=', value: '; drop table x --' }]);
});

test('all that is wrong is said at once', () => {
  const found = problems({
    mode: 'daily',
    format: 'xml',
    codec: 'brotli',
    where: ['nonsense'],
    notify: 'admin@example.com',
    out: ' ',
    jobs: '0',
    verify: 'twice',
    label: '///',
    yes: true,
  });
  assert.equal(found.length, 10, found.join('\n'));
  assert.match(found.join('\n'), /--mode must be one of .*: got 'daily'/);
  assert.match(found.join('\n'), /cannot send e-mail yet/);
});

test('a mode without what it needs, or with what it does not take, is refused', () => {
  assert.deepEqual(problems({}), [
    '--mode is required: one of weekly, monthly, full, emergency, pre-deployment, on-demand',
  ]);
  assert.deepEqual(problems({ mode: 'pre-deployment' }), ['--mode pre-deployment needs --label']);
  assert.deepEqual(problems({ mode: 'on-demand' }), ['--mode on-demand needs --tables']);
  assert.deepEqual(problems({ mode: 'full', tables: ['a'] }), [
    '--tables goes with --mode on-demand only: got --mode full',
  ]);
  assert.equal(problems({ mode: 'weekly', format: 'sql', where: ['a.b=1'] }).length, 2);
});

test('only an https address is told', () => {
  assert.equal(
    options({ mode: 'full', notify: 'https://hooks.example.com/x' }).notifyUrl,
    'https://hooks.example.com/x',
  );
  for (const notify of ['http://hooks.example.com', 'hooks.example.com', 'file:///etc/passwd', 'https://']) {
    assert.deepEqual(problems({ mode: 'full', notify }), ['--notify must be an https:// address']);
  }
});

test('an archive is JSON, compressed once: by the tar when it is readable, by its members when they are encrypted', () => {
  const asked = (raw: RawExportOptions) => {
    const { format, codec, archiveDirectory } = options({ mode: 'full', ...raw });
    return [format, codec, archiveDirectory];
  };
  assert.deepEqual(asked({ archive: true, encrypt: false }), ['json', 'none', '.']);
  assert.deepEqual(asked({ archive: './backups' }), ['json', 'gzip', './backups']);
  assert.deepEqual(asked({ archive: true, encrypt: false, format: 'copy', codec: 'zstd' }), ['copy', 'zstd', '.']);
  assert.deepEqual(asked({}), ['copy', 'zstd', null]);
  assert.deepEqual(problems({ mode: 'full', archive: ' ' }), ['--archive must name a directory']);
  assert.deepEqual(problems({ mode: 'full', archive: true, out: 'x' }), [
    '--archive writes one file, --out a directory: give one of them',
  ]);
});
