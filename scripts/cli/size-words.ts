import prettyBytes from 'pretty-bytes';

/** A size for people, in powers of 1000: `1.2 GB`. */
export function sizeWords(bytes: number): string {
  return prettyBytes(bytes, { maximumFractionDigits: bytes < 1e6 ? 0 : 1 });
}
