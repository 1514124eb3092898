/** CPU of a worker's cold start: from the start of the process until its first request is answered. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IsolateSpec, MeasuredIsolate } from './measured-isolate.ts';

export interface ColdStart {
  /** The worker: runtime, module evaluation, and a request with an unknown ticket (which asks the database). */
  readonly workerMs: number;
  /** The same Deno and host with a function of one line. */
  readonly bareMs: number;
  /** The difference: what the function adds. */
  readonly addedMs: number;
  /** All that was measured, in order. */
  readonly samples: { readonly workerMs: readonly number[]; readonly bareMs: readonly number[] };
}

const BARE_FUNCTION = "Deno.serve(() => new Response('ok'));\n";
const UNKNOWN_TICKET = JSON.stringify({ ticket: '0'.repeat(64) });
const ROUNDS = 7;

/** The best of some starts each, in turns; the first of each fills the cache of compiled TypeScript. */
export async function measureColdStart(spec: IsolateSpec): Promise<ColdStart> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  try {
    const entryFile = join(directory, 'bare.ts');
    await writeFile(entryFile, BARE_FUNCTION);
    const bare = { ...spec, entryFile, configFile: undefined };
    // The platform has no cache of compiled code either.
    const flags = ['--no-code-cache'];
    const workerMs: number[] = [];
    const bareMs: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const [one, other] = [
        await startOnce({ ...spec, denoFlags: flags }),
        await startOnce({ ...bare, denoFlags: flags }),
      ];
      if (round === 0) continue;
      workerMs.push(one);
      bareMs.push(other);
    }
    const best = { workerMs: Math.min(...workerMs), bareMs: Math.min(...bareMs) };
    return { ...best, addedMs: best.workerMs - best.bareMs, samples: { workerMs, bareMs } };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function startOnce(spec: IsolateSpec): Promise<number> {
  const isolate = await MeasuredIsolate.boot(spec);
  try {
    await isolate.call(UNKNOWN_TICKET);
    return isolate.cpu.allMs;
  } finally {
    await isolate.end();
  }
}
