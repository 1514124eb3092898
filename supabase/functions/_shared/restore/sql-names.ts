/** Finds names in pg_dump's SQL, which quotes an identifier only where it must. Pure. */

/** Matches one identifier, quoted or not. */
export const IDENTIFIER = '(?:"(?:[^"]|"")*"|[^\\s".,;()]+)';

/** A pattern for exactly this name, as pg_dump may write it. */
export function namePattern(name: string): string {
  const quoted = `"${escapePattern(name.replaceAll('"', '""'))}"`;
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? `(?:${escapePattern(name)}|${quoted})` : quoted;
}

export function qualifiedPattern(schema: string, name: string): string {
  return `${namePattern(schema)}\\.${namePattern(name)}`;
}

/** Headings have spaces where a name has line ends. */
export function headingName(name: string): string {
  return name.replace(/[\n\r]/g, ' ');
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
