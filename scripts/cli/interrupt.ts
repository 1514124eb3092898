import process from 'node:process';
import { EXIT } from './exit-code.ts';

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
  const stop = (signalName: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
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
