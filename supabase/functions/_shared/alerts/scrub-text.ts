/** What looks like a secret or a person is masked, wherever it came from: the last line of defence, not the first. */
const MASK = '***';
const MIN_SECRET_CHARS = 6;

const PATTERNS: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)/g, MASK],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, `$1${MASK}@`],
  [/\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g, MASK],
  [/\b(?:sb_(?:secret|publishable)_|sk_|pk_|re_|SG\.|xox[a-z]-|gh[a-z]_|whsec_|AKIA|key-)[\w.+/=-]{6,}/g, MASK],
  [/\b((?:password|passwd|secret|token|api_?key|authorization)\s*[:=]\s*)\S+/gi, `$1${MASK}`],
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, MASK],
  [/(?<![\w+-])(?=[\w+-]*\d)(?=[\w+-]*[A-Za-z])[\w+-]{44,}={0,2}/g, MASK],
];

/** `secrets`: values that must not appear, whatever they look like. Control characters become blanks. */
export function scrubText(text: string, secrets: readonly string[] = []): string {
  let shown = text;
  for (const secret of secrets) {
    if (secret.length < MIN_SECRET_CHARS) continue;
    shown = shown.replaceAll(secret, MASK).replaceAll(encodeURIComponent(secret), MASK);
  }
  for (const [pattern, mask] of PATTERNS) shown = shown.replace(pattern, mask);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return shown.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, ' ');
}
