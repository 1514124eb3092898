import { displayName } from '../../supabase/functions/_shared/archive/display-name.ts';
import type { RestoreEvent } from '../../supabase/functions/_shared/restore/contracts.ts';
import { ProgressLine } from './progress-line.ts';
import type { Terminal } from './terminal.ts';

export interface RestoreProgress {
  show(event: RestoreEvent): void;
  /** Takes the line off the terminal again. */
  stop(): void;
}

/** Phase and table, bytes done of all, rate, time left; notices of the server only for `verbose`. Nothing where nobody looks. */
export function restoreProgress(terminal: Terminal, { verbose }: { verbose: boolean }): RestoreProgress {
  if (!terminal.stderr.isTTY) return { show() {}, stop() {} };
  const progress = new Progress(new ProgressLine(terminal, { showsTotal: true }), verbose);
  return { show: (event) => progress.show(event), stop: () => progress.stop() };
}

class Progress {
  readonly #line: ProgressLine;
  readonly #verbose: boolean;
  #phase = '';

  constructor(line: ProgressLine, verbose: boolean) {
    this.#line = line;
    this.#verbose = verbose;
  }

  show(event: RestoreEvent): void {
    if (event.type === 'checking') this.#line.begin('checking the backup', event.bytes);
    else if (event.type === 'planned') this.#line.begin('schema', event.plan.totals.rawBytes);
    else if (event.type === 'checked' || event.type === 'rows') this.#line.advance(event.bytes, 0);
    else if (event.type === 'phase') this.#enter(event.name);
    else if (event.type === 'table') this.#line.rename(`${this.#phase}: ${displayName(event.name)}`);
    else if (event.type === 'statement') this.#line.rename(`indexes, rules ${event.done}/${event.of}`);
    else if (this.#verbose) this.#line.note(displayName(event.text));
  }

  stop(): void {
    this.#line.stop();
  }

  #enter(name: string): void {
    this.#phase = name;
    this.#line.rename(name);
  }
}
