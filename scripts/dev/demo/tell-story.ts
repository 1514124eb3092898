import pc from 'picocolors';
import prettyBytes from 'pretty-bytes';

export interface Story {
  /** Begins a step; the returned function ends it with what came of it. */
  step(title: string): (outcome: string) => void;
  line(text: string): void;
}

/** One line per step with what came of it and how long it took. */
export function tellStory(print: (line: string) => void): Story {
  return {
    step(title) {
      const startedAt = Date.now();
      return (outcome) => {
        const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
        print(`${pc.green('✓')} ${title.padEnd(34)} ${outcome} ${pc.dim(`(${seconds} s)`)}`);
      };
    },
    line: print,
  };
}

export function size(bytes: number): string {
  return prettyBytes(bytes, { maximumFractionDigits: 1 });
}
