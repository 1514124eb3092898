import cliProgress from 'cli-progress';
import type { ExportEvent } from '../../supabase/functions/_shared/backup/export/export-job.ts';
import { rowWords } from './row-words.ts';
import { sizeWords } from './size-words.ts';
import type { Terminal } from './terminal.ts';

const BAR_WIDTH = 16;
const NAME_WIDTH = 26;
/** The rate follows changes within a few seconds and does not flicker. */
const RATE_MEMORY_MS = 4000;

export interface ExportProgress {
  show(event: ExportEvent): void;
  /** Takes the line off the terminal again. */
  stop(): void;
}

/** One line on stderr: what is copied now, how much, how fast, how long still. Nothing at all where nobody looks. */
export function exportProgress({ stderr }: Terminal): ExportProgress {
  if (!stderr.isTTY) return { show() {}, stop() {} };
  const bar = new cliProgress.SingleBar({
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
  const progress = new Progress(bar);
  return { show: (event) => progress.show(event), stop: () => bar.stop() };
}

class Progress {
  readonly #bar: cliProgress.SingleBar;
  readonly #rate = new Rate();
  #name = '';
  #rows = 0;
  #bytes = 0;
  #total = 0;

  constructor(bar: cliProgress.SingleBar) {
    this.#bar = bar;
  }

  show(event: ExportEvent): void {
    if (event.type === 'planned') this.#begin('schema', event.estimatedBytes);
    else if (event.type === 'table') this.#rename(event.name);
    else if (event.type === 'rows') this.#advance(event.bytes, event.rows);
    else if (event.type === 'verifying') this.#begin('verifying', event.bytes);
    else if (event.type === 'verified') this.#advance(event.bytes, 0);
    else this.#rename(event.type);
  }

  #begin(name: string, totalBytes: number): void {
    this.#name = name;
    this.#total = Math.max(1, totalBytes);
    this.#rows = 0;
    this.#bytes = 0;
    this.#rate.reset();
    this.#bar.start(this.#total, 0, { name: fitted(name), facts: '' });
  }

  #rename(name: string): void {
    this.#name = name;
    this.#draw();
  }

  #advance(bytes: number, rows: number): void {
    this.#bytes += bytes;
    this.#rows += rows;
    this.#rate.add(bytes);
    this.#draw();
  }

  #draw(): void {
    // Sizes are estimates: more may come than was expected.
    if (this.#bytes > this.#total) this.#bar.setTotal(this.#bytes);
    this.#bar.update(this.#bytes, { name: fitted(this.#name), facts: this.#facts() });
  }

  #facts(): string {
    const rate = this.#rate.bytesPerSecond();
    const left = rate > 0 ? Math.ceil(Math.max(0, this.#total - this.#bytes) / rate) : 0;
    const parts = [
      rowWords(this.#rows),
      sizeWords(this.#bytes),
      `${sizeWords(rate)}/s`,
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
