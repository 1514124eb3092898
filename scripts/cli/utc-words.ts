/** `2026-01-14 02:00 UTC`; what has no end, `forever`. */
export function utcWords(time: Date | number): string {
  // The driver gives an infinite timestamp as a number.
  if (typeof time === 'number' || Number.isNaN(time.getTime())) return 'forever';
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
