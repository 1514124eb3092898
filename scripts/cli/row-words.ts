/** Made at the first use: it takes 20 ms, which every command would pay when it starts. */
let compact: Intl.NumberFormat | undefined;

/** `1 row`, `812 rows`, `1.2M rows`; empty for none. */
export function rowWords(rows: number): string {
  if (rows === 0) return '';
  compact ??= new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
  return `${compact.format(rows)} row${rows === 1 ? '' : 's'}`;
}
