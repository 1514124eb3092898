import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { codeTokens, identifierOf, lexSql } from '../../../supabase/functions/_shared/restore/sql-lexer.ts';

const kinds = (sql: string) => codeTokens(sql).map(({ kind, text }) => `${kind} ${text}`);

/** What SQL is made of, whole and broken off, in any order. */
const PIECES = [
  ...[
    'select',
    'E',
    'u&',
    'U&"d\\0061t"',
    "U&'\\0061'",
    '"a""b"',
    '"',
    "'it''s'",
    "E'\\'x'",
    "E'\\\\'",
    "'\\'",
    "b'01'",
  ],
  ...[
    '$$',
    '$a$',
    '$1',
    'a$b$',
    '--',
    '-- x\n',
    '/*',
    '*/',
    '/* /* */',
    '\n',
    ' ',
    ';',
    '::',
    '.',
    '1.5e-3',
    '漢',
    '🏨',
    '\\',
  ],
];

test('tokens together are the text again, whatever the text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(fc.constantFrom(...PIECES)).map((all) => all.join('')),
      ),
      (text) => {
        let at = 0;
        for (const token of lexSql(text)) {
          assert.equal(token.start, at);
          assert.ok(token.text.length > 0);
          at += token.text.length;
        }
        assert.equal([...lexSql(text)].map((token) => token.text).join(''), text);
      },
    ),
    { numRuns: 2000 },
  );
});

test('what is quoted is one token, whatever is in it', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }).filter((text) => !text.includes('$')),
      (text) => {
        const quoted = [
          `'${text.replaceAll("'", "''")}'`,
          `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
          `"${text.replaceAll('"', '""')}"`,
          `$body$${text}$body$`,
        ];
        assert.deepEqual(
          codeTokens(quoted.join(';'))
            .filter((token) => token.text !== ';')
            .map((token) => token.text),
          quoted,
        );
      },
    ),
  );
});

test('strings with backslashes end where PostgreSQL says', () => {
  assert.deepEqual(kinds("'a\\' || E'b\\'' || x"), [
    "string 'a\\'",
    'other |',
    'other |',
    "string E'b\\''",
    'other |',
    'other |',
    'word x',
  ]);
  assert.deepEqual(kinds('a$b$ $1 $$x$$'), ['word a$b$', 'other $', 'number 1', 'string $$x$$']);
});

test('block comments nest, and line comments end with the line', () => {
  assert.deepEqual(kinds("a /* ' /* -- */ \" */ b -- ' c\nd"), ['word a', 'word b', 'word d']);
});

test('identifiers mean the names that PostgreSQL reads', () => {
  const names = (sql: string) => codeTokens(sql).map(identifierOf);
  assert.deepEqual(names('Plain ÄÖ "Quo""ted"'), ['plain', 'ÄÖ', 'Quo"ted']);
  assert.deepEqual(names('U&"d\\0061t\\+01F3E8\\\\"'), ['dat🏨\\']);
});

test('a string of many megabytes is read', () => {
  for (const text of [
    `'${"''x".repeat(4_000_000)}'`,
    `E'${'\\\\x'.repeat(4_000_000)}'`,
    `"${'a""'.repeat(4_000_000)}"`,
  ])
    assert.equal([...lexSql(text)].length, 1);
});
