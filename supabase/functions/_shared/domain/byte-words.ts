const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const STEP = 1000;

/** A size for people, in powers of 1000: `1.2 GB`. */
export function byteWords(bytes: number): string {
  let amount = bytes;
  let power = 0;
  // As it is shown: 999.96 kB would be "1000.0 kB".
  while (Math.round(Math.abs(amount) * 10) / 10 >= STEP && power < UNITS.length - 1) {
    amount /= STEP;
    power++;
  }
  return `${power === 0 ? amount : amount.toFixed(1)} ${UNITS[power]}`;
}
