import { ERRORS } from '../_shared/errors.ts';

/**
 * One range of bytes (RFC 9110, 14.2), `end` exclusive; null where none was asked for, or what we do not serve: several
 * ranges, other units. Throws RANGE_INVALID.
 */
export function requestedRange(header: string | null, sizeBytes: number): { start: number; end: number } | null {
  // A number of any length is one: what is beyond 2^53 is beyond the end.
  const match = /^bytes=(\d{0,400})-(\d{0,400})$/i.exec(header?.trim() ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const isSuffix = match[1] === '';
  const start = isSuffix ? Math.max(0, sizeBytes - Number(match[2])) : Number(match[1]);
  const end = isSuffix || match[2] === '' ? sizeBytes : Math.min(Number(match[2]) + 1, sizeBytes);
  if (start >= end) {
    throw ERRORS.RANGE_INVALID(`the file has ${sizeBytes} bytes`, { details: { size_bytes: sizeBytes } });
  }
  return { start, end };
}
