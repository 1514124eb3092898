/** COPY's text format, for small tables that must be understood; rows that are only moved are never parsed. */

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** The rows of a stream of COPY text, values as text or null. */
export async function* copyRows(source: AsyncIterable<Uint8Array>): AsyncGenerator<(string | null)[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const bytes of source) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield line.split('\t').map(copyValue);
  }
  rest += decoder.decode();
  if (rest !== '') yield rest.split('\t').map(copyValue);
}

/** One value as COPY writes it. */
export function copyValue(text: string): string | null {
  if (text === '\\N') return null;
  return text.includes('\\') ? text.replace(/\\(.)/gs, (_, char: string) => ESCAPES[char] ?? char) : text;
}

/** One value as COPY reads it. */
export function copyText(value: string): string {
  return value.replace(/[\\\n\r\t]/g, (char) => `\\${{ '\\': '\\', '\n': 'n', '\r': 'r', '\t': 't' }[char]}`);
}
