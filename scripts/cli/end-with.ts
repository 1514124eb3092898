import process from 'node:process';
import { EXIT } from './exit-code.ts';

/** For the report of an interrupted script to reach a slow reader. */
const LAST_WORDS_MS = 3000;

/**
 * Ends the script with this code once nothing is left to do. After an interrupt it ends soon in any case: what was stored
 * is cleaned by then, or given up, and a request that nobody answers would hold the process for minutes.
 */
export function endWith(code: number): void {
  process.exitCode = code;
  if (code === EXIT.interrupted) setTimeout(() => process.exit(), LAST_WORDS_MS).unref();
}
