const COMPACT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

/** `1 row`, `812 rows`, `1.2M rows`; empty for none. */
export function rowWords(rows: number): string {
  if (rows === 0) return '';
  return `${COMPACT.format(rows)} row${rows === 1 ? '' : 's'}`;
}
