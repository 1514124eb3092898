/**
 * CSV by RFC 4180 that a spreadsheet takes for data, never for formulas: before a text that begins with = + - or @ comes an
 * apostrophe, as OWASP advises, also where blanks or invisible characters come first, which some programs leave out. A
 * spreadsheet of another country separates cells at semicolons or tabs and knows no quotes within a cell: what would begin
 * a cell there gets one too. Numbers stay numbers. Null is an empty field, an empty text is "".
 */
const FORMULA = /^(?:[\t\r\n]|[\s\p{Cc}\p{Cf}]*[=+\-@\uff1d\uff0b\uff0d\uff20])/u;
/** After a line break `- ` is a list. */
const INNER =
  /([;\t][\s"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])|([\r\n][\s"]*)(?=[=@\uff1d\uff20]|[+\-\uff0b\uff0d][^\s-])/g;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
/** Makes Excel read UTF-8. */
export const CSV_BEGIN = '\ufeff';

export function csvLine(cells: readonly (string | null)[]): string {
  return `${cells.map(csvField).join(',')}\r\n`;
}

function csvField(cell: string | null): string {
  if (cell === null) return '';
  const safe = harmless(cell);
  return safe === '' || /[",;\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function harmless(cell: string): string {
  const begun = FORMULA.test(cell) && !NUMBER.test(cell.trim()) ? `'${cell}` : cell;
  return /[;\t\r\n]/.test(begun) ? begun.replace(INNER, "$&'") : begun;
}
