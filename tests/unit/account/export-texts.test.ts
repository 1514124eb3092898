/** CSV that no spreadsheet executes, a page that no browser does, and languages. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { CSV_BEGIN, csvLine } from '../../../supabase/functions/_shared/account/export/csv-line.ts';
import { newExportState } from '../../../supabase/functions/_shared/account/export/export-state.ts';
import { escapeHtml, indexPage } from '../../../supabase/functions/_shared/account/export/index-page.ts';
import { chooseLanguage } from '../../../supabase/functions/_shared/account/export/languages.ts';
import { layOut } from '../../../supabase/functions/_shared/account/export/layout.ts';
import {
  newExportKey,
  newPartName,
  openPartCipher,
} from '../../../supabase/functions/_shared/account/export/part-cipher.ts';
import { requestedRange } from '../../../supabase/functions/account/requested-range.ts';

test('what a spreadsheet would execute gets an apostrophe, and numbers stay numbers', () => {
  assert.equal(
    csvLine(["=cmd|' /C calc'!A0", '@SUM(1)', '+1-1', '-2+3', '\tx', '\rx', '＝1']),
    `'=cmd|' /C calc'!A0,'@SUM(1),'+1-1,'-2+3,'\tx,"'\rx",'＝1\r\n`,
  );
  assert.equal(csvLine(['-5', '+49', '-5.25', '1e10', '-.5', '-1E-7']), '-5,+49,-5.25,1e10,-.5,-1E-7\r\n');
  assert.equal(csvLine([null, '', 'a,b', 'say "x"', 'two\nlines']), ',"","a,b","say ""x""","two\nlines"\r\n');
});

test('blanks, invisible characters and the separators of other countries hide no formula', () => {
  const cell = (text: string) => csvLine([text]).slice(0, -2);
  for (const text of [' =1+1', '\u00a0=1', '\u200b=1', '\ufeff@x', '\u202e-1+1', '\v+x', '\0=1', ' ＝1', '\t =1']) {
    assert.match(cell(text), /^"?'/, JSON.stringify(text));
  }
  assert.equal(cell('a;=cmd'), `"a;'=cmd"`);
  assert.equal(cell('a;"=cmd";@b'), `"a;""'=cmd"";'@b"`);
  assert.equal(cell('a\t-1+1'), `a\t'-1+1`);
  assert.equal(cell('list:\n- one\n-- two\n=1'), `"list:\n- one\n-- two\n'=1"`);
  assert.equal(cell(' -5'), '" -5"');
  assert.equal(cell('a=b, c@d.example; x-y'), '"a=b, c@d.example; x-y"');
});

test('Python reads back every cell, but for the apostrophes', () => {
  const rows = fc.array(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 3, maxLength: 3 }), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(rows, (cells) => {
      const text = CSV_BEGIN + cells.map(csvLine).join('');
      const code =
        'import sys,csv,io,json;print(json.dumps(list(csv.reader(io.StringIO(sys.stdin.buffer.read().decode("utf-8-sig"),newline="")))))';
      const read = JSON.parse(execFileSync('python3', ['-c', code], { input: text, encoding: 'utf8' })) as string[][];
      assert.deepEqual(
        read.map((row) => row.map((cell) => cell.replaceAll("'", ''))),
        cells.map((row) => row.map((cell) => cell.replaceAll("'", ''))),
      );
    }),
    { numRuns: 6 },
  );
});

test('the page escapes every value and has no script', () => {
  const evil = `"><script>alert(1)</script><img src=x onerror='x'>`;
  const state = newExportState(0);
  state.tables.push({
    ...{
      table: evil,
      category: 'messages',
      rows: 1,
      hidden: 0,
      readAs: 'filter',
      reason: null,
      treated: [],
      leftOut: [],
    },
    columns: [evil],
    preview: [[evil], [null]],
  });
  state.entries[1] = { ...entry, name: `files/${evil}`, source: { bucket: evil, name: evil } };
  state.leftOut.push({ bucket: evil, name: evil, reason: 'missing' });
  const categories = [{ name: 'messages', title: evil, sources: [] }];
  const page = [...indexPage({ state, categories, userId: evil, email: evil, lang: 'en' })].join('');
  assert.doesNotMatch(page, /<script|<img|onerror='/i);
  assert.match(page, /<span class="count">1 row<\/span>/);
  assert.match(page, /default-src &#39;none&#39;|default-src 'none'/);
  assert.equal(escapeHtml('a\u202eb'), 'a\ufffdb');
});

const entry = {
  ...{ name: '', method: 0 as const, modifiedMs: 0, large: false, crc: 0, size: 1, packed: 1, total: 1, hash: null },
  sha256: '',
};

test('a language is chosen by the parameter, then by Accept-Language and its weights', () => {
  assert.equal(chooseLanguage(null, 'fr, de;q=0.5, en;q=0.4'), 'de');
  assert.equal(chooseLanguage('de-AT', 'en'), 'de');
  assert.equal(chooseLanguage('xx', 'de'), 'de');
  assert.equal(chooseLanguage(null, '*;q=0.1, __proto__, constructor'), 'en');
  assert.equal(chooseLanguage(null, null), 'en');
});

test('a frame in another place, of another part or another export does not open', async () => {
  const key = newExportKey();
  const cipher = await openPartCipher(key, 'one');
  const part = newPartName(1);
  const sealed = await cipher.seal(part, 0, Buffer.from('secret'));
  assert.equal(Buffer.from(await cipher.open(part, 0, sealed)).toString(), 'secret');
  await assert.rejects(cipher.open(part, 1, sealed), { code: 'EXPORT_DAMAGED' });
  await assert.rejects(cipher.open(newPartName(1), 0, sealed), { code: 'EXPORT_DAMAGED' });
  await assert.rejects((await openPartCipher(key, 'two')).open(part, 0, sealed), { code: 'EXPORT_DAMAGED' });
  await assert.rejects((await openPartCipher(newExportKey(), 'one')).open(part, 0, sealed), { code: 'EXPORT_DAMAGED' });
});

test('pieces are laid out by entry, and neighbours are joined', () => {
  const parts = [
    { name: 'a', size: 30 },
    { name: 'b', size: 10 },
  ];
  const layout = layOut(parts, [
    [1, 0, 0, 10],
    [2, 0, 10, 5],
    [1, 0, 15, 5],
    [1, 1, 0, 4],
    [2, 1, 4, 6],
    [3, 1, 10, 1],
  ]);
  assert.deepEqual(layout.pieces, [
    [0, 0, 10],
    [0, 15, 5],
    [1, 0, 4],
    [0, 10, 5],
    [1, 4, 7],
  ]);
});

test('ranges by RFC 9110', () => {
  assert.deepEqual(requestedRange('bytes=0-0', 10), { start: 0, end: 1 });
  assert.deepEqual(requestedRange('bytes=5-', 10), { start: 5, end: 10 });
  assert.deepEqual(requestedRange('bytes=-3', 10), { start: 7, end: 10 });
  assert.deepEqual(requestedRange('bytes=5-99', 10), { start: 5, end: 10 });
  assert.equal(requestedRange('bytes=0-1,3-4', 10), null);
  assert.equal(requestedRange('items=0-1', 10), null);
  assert.deepEqual(requestedRange(`bytes=0-${'9'.repeat(40)}`, 10), { start: 0, end: 10 });
  assert.equal(requestedRange(`bytes=0-${'9'.repeat(4000)}`, 10), null);
  assert.throws(() => requestedRange(`bytes=${'9'.repeat(40)}-`, 10), { code: 'RANGE_INVALID' });
  assert.throws(() => requestedRange('bytes=10-', 10), { code: 'RANGE_INVALID' });
  assert.throws(() => requestedRange('bytes=5-2', 10), { code: 'RANGE_INVALID' });
});
