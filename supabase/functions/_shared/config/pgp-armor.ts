/**
 * Brings armored OpenPGP keys back into shape, as forms for secrets mangle them: literal `\n`, carriage returns, all
 * on one line, or base64 of the whole. undefined when the text holds no complete block of that kind, or any other block.
 */
export function normalizeArmor(raw: string, kind: 'PUBLIC' | 'PRIVATE'): string | undefined {
  const text = unescapeLines(raw.includes('-----BEGIN') ? raw : decodeBase64(raw));
  const blocks = text.match(/-----BEGIN [A-Z ]+-----[\s\S]*?-----END [A-Z ]+-----/g) ?? [];
  const isWanted = (block: string) =>
    block.startsWith(`-----BEGIN PGP ${kind} KEY BLOCK-----`) && block.endsWith(`-----END PGP ${kind} KEY BLOCK-----`);
  const begun = text.split('-----BEGIN').length - 1;
  if (blocks.length === 0 || begun !== blocks.length || !blocks.every(isWanted)) return undefined;
  return blocks.map((block) => `${block.includes('\n') ? block : breakLines(block)}\n`).join('');
}

function unescapeLines(text: string): string {
  return text
    .replaceAll('\\r', '')
    .replaceAll('\\n', '\n')
    .replaceAll('\r', '')
    .replace(/[ \t]+$/gm, '')
    .trim();
}

/** One line with spaces where line ends were. Armor headers (`Comment: …`) cannot be told from data, and are refused later. */
function breakLines(block: string): string {
  const [, begin = '', data = '', end = ''] =
    /^(-----BEGIN [A-Z ]+-----)(.*?)(-----END [A-Z ]+-----)$/.exec(block) ?? [];
  return `${begin}\n\n${data.trim().split(/ +/).join('\n')}\n${end}`;
}

function decodeBase64(text: string): string {
  try {
    return atob(text.replace(/\s/g, ''));
  } catch {
    return ''; // not base64 either: no block will be found in it
  }
}
