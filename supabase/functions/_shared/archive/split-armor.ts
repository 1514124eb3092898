export interface ArmorBlock {
  /** What stands after BEGIN PGP: `PUBLIC KEY BLOCK`, `PRIVATE KEY BLOCK`, `MESSAGE`, … */
  readonly kind: string;
  readonly text: string;
}

const BLOCK = /-----BEGIN PGP ([A-Z0-9 ,/]+?)-----[\s\S]*?-----END PGP \1-----/g;

/**
 * The armored blocks in a text, in order; whatever stands between them is ignored, as gpg does. A text on one line, as
 * some secret stores keep it, may have its line ends written as \n.
 */
export function splitArmor(text: string): ArmorBlock[] {
  const lines = /[\r\n]/.test(text.trim()) ? text : text.replaceAll('\\r', '').replaceAll('\\n', '\n');
  return [...lines.matchAll(BLOCK)].map((match) => ({ kind: match[1]!, text: match[0] }));
}
