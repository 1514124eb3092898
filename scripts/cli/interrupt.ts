import process from 'node:process';
import { EXIT } from './exit-code.ts';

/** One key press arrives twice where npm or a shell passes it on. */
const SAME_PRESS_MS = 1000;

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Takes our handlers off again. */
  dispose(): void;
}

/**
 * Turns the first SIGINT or SIGTERM into an abort, so that the script can clean up after itself; the second one ends
 * the process at once. `onFirst` tells the person that cleaning has begun.
 */
export function listenForInterrupt(onFirst: (signalName: string) => void): Interrupt {
  const controller = new AbortController();
  let firstAt = 0;
  const stop = (signalName: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      if (performance.now() - firstAt > SAME_PRESS_MS) process.exit(EXIT.interrupted);
      return;
    }
    firstAt = performance.now();
    onFirst(signalName);
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return {
    signal: controller.signal,
    dispose() {
      process.off('SIGINT', stop).off('SIGTERM', stop);
    },
  };
}
