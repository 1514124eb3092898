import cliProgress from 'cli-progress';
import { rowWords } from './row-words.ts';
import { sizeWords } from './size-words.ts';
import { line, type Terminal } from './terminal.ts';

const BAR_WIDTH = 16;
const NAME_WIDTH = 26;
/** The rate follows changes within a few seconds and does not flicker. */
const RATE_MEMORY_MS = 4000;
const CLEAR_LINE = '\r\u001b[K';

/** One line on stderr: what is done now, how much of it, how fast, how long still. Only for a terminal. */
export class ProgressLine {
  readonly #bar: cliProgress.SingleBar;
  readonly #stream: Terminal['stderr'];
  readonly #rate = new Rate();
  #name = '';
  #rows = 0;
  #bytes = 0;
  #total = 0;
  #showsTotal: boolean;

  /** `showsTotal`: `3 MB of 12 MB` instead of `3 MB`. */
  constructor({ stderr }: Terminal, { showsTotal = false } = {}) {
    this.#stream = stderr;
    this.#showsTotal = showsTotal;
    this.#bar = new cliProgress.SingleBar({
      stream: stderr as NodeJS.WriteStream,
      format: `{name} {bar} {percentage}% {facts}`,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: BAR_WIDTH,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
      fps: 8,
      autopadding: true,
    });
  }

  begin(name: string, totalBytes: number): void {
    this.#name = name;
    this.#total = Math.max(1, totalBytes);
    this.#rows = 0;
    this.#bytes = 0;
    this.#rate.reset();
    this.#bar.start(this.#total, 0, { name: fitted(name), facts: '' });
  }

  rename(name: string): void {
    this.#name = name;
    this.#draw();
  }

  advance(bytes: number, rows: number): void {
    this.#bytes += bytes;
    this.#rows += rows;
    this.#rate.add(bytes);
    this.#draw();
  }

  /** A line that stays; the progress goes on below it. */
  note(text: string): void {
    this.#stream.write(CLEAR_LINE);
    line(this.#stream, text);
  }

  /** Takes the line off the terminal again. */
  stop(): void {
    this.#bar.stop();
  }

  #draw(): void {
    // Sizes are estimates: more may come than was expected.
    if (this.#bytes > this.#total) this.#bar.setTotal(this.#bytes);
    this.#bar.update(this.#bytes, { name: fitted(this.#name), facts: this.#facts() });
  }

  #facts(): string {
    const rate = this.#rate.bytesPerSecond();
    const left = rate > 0 ? Math.ceil(Math.max(0, this.#total - this.#bytes) / rate) : 0;
    const total = this.#showsTotal ? ` of ${sizeWords(Math.max(this.#total, this.#bytes))}` : '';
    const parts = [
      rowWords(this.#rows),
      `${sizeWords(this.#bytes)}${total}`,
      rate > 0 ? `${sizeWords(rate)}/s` : '',
      left > 0 ? `${clock(left)} left` : '',
    ];
    return parts.filter((part) => part !== '').join('  ');
  }
}

/** An average in which the past fades. */
class Rate {
  #value = 0;
  #pending = 0;
  #since = performance.now();

  reset(): void {
    this.#value = 0;
    this.#pending = 0;
    this.#since = performance.now();
  }

  add(bytes: number): void {
    this.#pending += bytes;
    const elapsedMs = performance.now() - this.#since;
    if (elapsedMs < 200) return;
    const current = (this.#pending / elapsedMs) * 1000;
    const weight = this.#value === 0 ? 1 : 1 - Math.exp(-elapsedMs / RATE_MEMORY_MS);
    this.#value += (current - this.#value) * weight;
    this.#pending = 0;
    this.#since = performance.now();
  }

  bytesPerSecond(): number {
    return this.#value;
  }
}

function fitted(name: string): string {
  const short = name.length > NAME_WIDTH ? `…${name.slice(1 - NAME_WIDTH)}` : name;
  return short.padEnd(NAME_WIDTH);
}

function clock(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
