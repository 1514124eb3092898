const CLOCK = /^(\d+):(\d\d):(\d\d)(?:\.\d+)?$/;

/** An interval as the server writes it (`1 mon 02:00:00`) in words: `1 month 2 hours`. What is not understood stays. */
export function intervalWords(interval: string): string {
  const parts = interval.split(/ (?=\d+:\d\d:\d\d)/).map((part) => {
    const clock = CLOCK.exec(part);
    if (clock === null) return part.replace(/\bmon(s?)\b/, 'month$1');
    const [hours, minutes, seconds] = clock.slice(1).map(Number) as [number, number, number];
    return [count(hours, 'hour'), count(minutes, 'minute'), count(seconds, 'second')].filter(Boolean).join(' ');
  });
  return parts.filter(Boolean).join(' ') || interval;
}

function count(amount: number, unit: string): string {
  return amount === 0 ? '' : `${amount} ${unit}${amount === 1 ? '' : 's'}`;
}
