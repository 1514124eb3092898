/** index.html: what a person opens first. No script, nothing from outside, every value escaped. */

import { byteWords } from '../../domain/byte-words.ts';
import type { PlannedCategory } from './export-plan.ts';
import type { EntryState, ExportState, TableCount } from './export-state.ts';
import { INDEX_STYLE } from './index-style.ts';
import { LANGUAGES, type Words } from './languages.ts';

/** A person scrolls no further; all of them are in files.json. */
const FILES_SHOWN = 200;
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

export interface IndexFacts {
  readonly state: ExportState;
  readonly categories: readonly PlannedCategory[];
  readonly userId: string;
  readonly email: string | null;
  readonly lang: string;
}

/** In pieces, so that no page of many tables is ever whole in memory. */
export function* indexPage({ state, categories, userId, email, lang }: IndexFacts): Generator<string> {
  const words = LANGUAGES[lang]!;
  const made = new Date(state.startedMs);
  yield `<!doctype html>
<html lang="${escapeHtml(lang)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(words.title)}</title>
<style>${INDEX_STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(words.title)}</h1>
<p>${escapeHtml(words.intro)}</p>
<p class="facts">${escapeHtml(words.made)} <time datetime="${made.toISOString()}">${made.toISOString().slice(0, 16).replace('T', ' ')} UTC</time><br>
${escapeHtml(words.account)}: ${escapeHtml(email ?? userId)}${email === null ? '' : ` (${escapeHtml(userId)})`}</p>
`;
  const files = Object.values(state.entries).filter((entry) => entry.source !== undefined);
  yield contents({ state, categories, words, fileCount: files.length });
  for (const category of categories) {
    const tables = state.tables.filter((table) => table.category === category.name);
    yield* categorySection(category, tables, words);
  }
  yield filesSection(files, state, words);
  yield `<p class="note">${escapeHtml(words.treated)} ${escapeHtml(words.proof)}</p>\n</main>\n</body>\n</html>\n`;
}

interface ContentsFacts {
  readonly state: ExportState;
  readonly categories: readonly PlannedCategory[];
  readonly words: Words;
  readonly fileCount: number;
}

function contents({ state, categories, words, fileCount }: ContentsFacts): string {
  const items = categories.map((category) => {
    const rows = sumRows(state.tables.filter((table) => table.category === category.name));
    return `<li><a href="#data-${category.name}">${escapeHtml(titleOf(category, words))}</a> <span class="count">${countOf(rows, words)}</span></li>`;
  });
  items.push(`<li><a href="#files">${escapeHtml(words.files)}</a> <span class="count">${fileCount}</span></li>`);
  return `<nav><h2>${escapeHtml(words.contents)}</h2>\n<ul>\n${items.join('\n')}\n</ul></nav>\n`;
}

function* categorySection(category: PlannedCategory, tables: readonly TableCount[], words: Words): Generator<string> {
  const rows = sumRows(tables);
  yield `<section id="data-${category.name}">
<div class="head"><h2>${escapeHtml(titleOf(category, words))}</h2><span class="count">${countOf(rows, words)}</span>
<span class="links"><a href="data/${category.name}.csv">CSV</a><a href="data/${category.name}.json">JSON</a></span></div>\n`;
  if (rows === 0) yield `<p class="note">${escapeHtml(words.empty)}</p>\n`;
  for (const table of tables) if (table.rows > 0) yield tableBlock(table, category, words);
  yield '</section>\n';
}

function tableBlock(table: TableCount, category: PlannedCategory, words: Words): string {
  const head = table.columns.map((column) => `<th>${escapeHtml(column)}</th>`).join('');
  const body = table.preview.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  const shown = table.preview.length > 0;
  const rest = table.rows > table.preview.length;
  const more = `<p class="note">${shown ? escapeHtml(words.more) : ''} <a href="data/${category.name}.csv">${escapeHtml(words.open)} (${table.rows})</a></p>\n`;
  const grid = `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>\n`;
  return `<h3>${escapeHtml(table.table)}</h3>\n${shown ? grid : ''}${rest ? more : ''}`;
}

function cell(value: string | null): string {
  return value === null ? '<td class="none">–</td>' : `<td dir="auto">${escapeHtml(value)}</td>`;
}

function filesSection(files: readonly EntryState[], state: ExportState, words: Words): string {
  const rows = files.slice(0, FILES_SHOWN).map((entry) => {
    const source = entry.source!;
    return `<tr><td dir="auto"><a href="${escapeHtml(linkTo(entry.name))}">${escapeHtml(`${source.bucket}/${source.name}`)}</a></td><td>${byteWords(entry.size)}</td></tr>`;
  });
  const grid = `<div class="scroll files"><table><thead><tr><th>${escapeHtml(words.file)}</th><th>${escapeHtml(words.size)}</th></tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`;
  const more =
    files.length > FILES_SHOWN
      ? `<p class="note">${escapeHtml(words.more)} <a href="files.json">files.json (${files.length})</a></p>`
      : '';
  const missing = state.leftOut
    .map(({ bucket, name }) => `<li>${escapeHtml(`${bucket}/${name}`)}</li>`)
    .slice(0, FILES_SHOWN);
  const leftOut = missing.length > 0 ? `<h3>${escapeHtml(words.leftOut)}</h3><ul>${missing.join('')}</ul>` : '';
  const intro = escapeHtml(files.length > 0 ? words.filesIntro : words.empty);
  return `<section id="files"><div class="head"><h2>${escapeHtml(words.files)}</h2><span class="count">${files.length}</span></div>
<p class="note">${intro}</p>${files.length > 0 ? grid : ''}${more}${leftOut}</section>\n`;
}

function linkTo(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/');
}

function titleOf({ name, title }: PlannedCategory, words: Words): string {
  return Object.hasOwn(words.categories, name) ? words.categories[name]! : title;
}

function countOf(rows: number, words: Words): string {
  return `${rows} ${escapeHtml(rows === 1 ? words.row : words.rows)}`;
}

function sumRows(tables: readonly TableCount[]): number {
  return tables.reduce((sum, { rows }) => sum + rows, 0);
}

/** Also for attributes in double or single quotes. Direction marks could make a name look like another one. */
export function escapeHtml(text: string): string {
  return text
    .replace(/(?![\t\n\r])\p{Cc}|[\u2028-\u202e\u2066-\u2069]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
