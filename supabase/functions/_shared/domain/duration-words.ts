/** A duration for people: `0.8 seconds`, `32 seconds`, `4 minutes 32 seconds`, `1 hour 5 minutes`. */
export function durationWords(milliseconds: number): string {
  if (milliseconds < 9_950) return `${(milliseconds / 1000).toFixed(1)} seconds`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return count(seconds, 'second');
  if (seconds < 3600) return joined(count(Math.floor(seconds / 60), 'minute'), count(seconds % 60, 'second'));
  const minutes = Math.round(seconds / 60);
  return joined(count(Math.floor(minutes / 60), 'hour'), count(minutes % 60, 'minute'));
}

function count(amount: number, unit: string): string {
  return amount === 0 ? '' : `${amount} ${unit}${amount === 1 ? '' : 's'}`;
}

function joined(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}
