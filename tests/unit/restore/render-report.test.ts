import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { renderReportHtml } from '../../../supabase/functions/_shared/restore/render-report-html.ts';
import { renderReportMarkdown } from '../../../supabase/functions/_shared/restore/render-report-markdown.ts';
import { reportToJson } from '../../../supabase/functions/_shared/restore/report-json.ts';
import { dataLossWords, promiseWords, spanWords } from '../../../supabase/functions/_shared/restore/report-words.ts';
import { sampleReport } from './sample-report.ts';

/** The page without what only HTML allows to be written short, so that an XML parser can judge it. */
const asXml = (html: string) => html.replace('<!doctype html>', '').replace(/<meta [^>]*>/g, '');

test('the page is well formed and holds no element that a name brought', () => {
  const html = renderReportHtml(sampleReport());
  assert.equal(XMLValidator.validate(asXml(html)), true);
  assert.doesNotMatch(html, /<script|<\/td><\/td>|javascript:|<link|<img|src=|@import|url\(/i);
  assert.match(html, /default-src 'none'/);
  assert.ok(html.includes('&lt;script&gt;alert(&quot;1&quot;)'));
  assert.equal(html.includes('\u001b') || html.includes('\u202e'), false, 'no control characters');
});

test('whatever a name is made of, the page has the same elements', () => {
  const tagsOf = (name: string) => {
    const report = sampleReport({
      tables: [{ table: name, action: 'load', rows: 1, kept: 0, state: 'restored' }],
      differences: [name],
      error: { code: 'RESTORE_FAILED', message: name, hint: name },
    });
    return asXml(renderReportHtml(report)).match(/<\/?[a-z0-9]+/g);
  };
  const plain = tagsOf('plain');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (name) => assert.deepEqual(tagsOf(name), plain)));
});

test('the text of the page is the names themselves', () => {
  const html = renderReportHtml(sampleReport({ differences: ['a < b && c > "d"'] }));
  const parsed = JSON.stringify(new XMLParser({ processEntities: true }).parse(asXml(html)));
  assert.ok(parsed.includes(JSON.stringify('a < b && c > "d"').slice(1, -1)), parsed.slice(0, 500));
});

test('Markdown: a name cannot end a cell, a row or a code block, nor become a link or HTML', () => {
  const markdown = renderReportMarkdown(sampleReport());
  const rows = markdown.split('\n').filter((row) => row.startsWith('| public'));
  for (const row of rows) assert.equal(row.replace(/\\./g, '').match(/\|/g)!.length, 6, row);
  assert.equal(rows.length, 3);
  const outside = markdown.replace(/^ *(`{3,})sql\n[\s\S]*?\n *\1$/gm, '');
  assert.equal(outside.replace(/\\./g, '').includes('<'), false);
  assert.doesNotMatch(outside.replace(/\\./g, ''), /https:\/\//);
  assert.match(markdown, /^ {2}````sql$/m, 'a fence longer than the backticks inside');
  assert.doesNotMatch(markdown, /^# "/m);
});

test('both forms say it all: facts, phases against their promise, checks, what is held back with its SQL, differences', () => {
  const unescaped = renderReportMarkdown(sampleReport()).replace(/\\(.)/g, '$1');
  const plainHtml = renderReportHtml(sampleReport())
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&#39;', "'");
  for (const text of [unescaped, plainHtml]) {
    for (const part of [
      'Restore completed with limits',
      '4 minutes 32 seconds',
      'up to 8 hours 5 minutes',
      '2 restored (1,010 rows; 2 rows were there already), 1 skipped, 1 not restored',
      'within the 30 minutes promised',
      'late: promised in 90 minutes',
      'amcheck is missing',
      "select cron.schedule('nightly', '0 3 * * *',",
      'would run at 03:00',
      'the target has no column phone_change',
    ])
      assert.ok(text.includes(part), `${part}\n${text}`);
  }
});

test('a failure is the first thing that is said', () => {
  const report = sampleReport({
    status: 'failed',
    error: { code: 'RESTORE_FAILED', message: 'disk full', hint: 'Free it.' },
  });
  assert.match(
    renderReportMarkdown(report),
    /^# Restore failed\n\n> \*\*RESTORE\\_FAILED:\*\* disk full\n>\n> Free it\./,
  );
  assert.ok(renderReportHtml(report).indexOf('disk full') < renderReportHtml(report).indexOf('<dl>'));
});

test('the JSON is the report in snake case, with nothing left out', () => {
  const report = sampleReport();
  const camelKeys = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(camelKeys)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(
            Object.entries(value).map(([key, one]) => [
              key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
              camelKeys(one),
            ]),
          )
        : value;
  const withPromises = { ...report, phases: report.phases.map((phase) => ({ withinMinutes: null, ...phase })) };
  assert.deepEqual(camelKeys(JSON.parse(JSON.stringify(reportToJson(report)))), withPromises);
});

test('data loss is counted from the moment of the backup to the start of the restore', () => {
  const loss = (takenAt: string) => dataLossWords({ takenAt, startedAt: '2026-01-14T10:05:00Z' });
  assert.match(loss('2026-01-14T02:00:00Z'), /^up to 8 hours 5 minutes: the backup shows 2026-01-14 02:00:00 UTC/);
  assert.match(loss('2026-01-11T06:05:00Z'), /^up to 3 days 4 hours:/);
  assert.match(loss('2026-01-15T00:00:00Z'), /one of the clocks is wrong/);
  assert.equal(spanWords(48 * 3600 * 1000), '2 days');
});

test('a promise is kept up to its last second, and there may be none', () => {
  const phase = { name: 'x', seconds: 1, verdict: 'passed', detail: '' } as const;
  assert.equal(promiseWords({ ...phase, doneAfterSeconds: 1800, withinMinutes: 30 }), 'within the 30 minutes promised');
  assert.equal(promiseWords({ ...phase, doneAfterSeconds: 1801, withinMinutes: 30 }), 'late: promised in 30 minutes');
  assert.equal(promiseWords({ ...phase, doneAfterSeconds: 1, withinMinutes: null }), '');
});
