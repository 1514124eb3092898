/** The parts of the bench that were asked for, each on a stack of its own kind; returns what .bench/export.json holds. */
import { type Stack, startStack } from '../stack/start-stack.ts';
import { raceExports } from './export-race.ts';
import { machineFacts } from './machine-facts.ts';
import { benchProjection } from './projection-bench.ts';
import { benchWorker } from './worker-bench.ts';

export type BenchPart = 'export' | 'worker' | 'projection';

export interface BenchOptions {
  /** Bookings of the demo data; 1410000 are about 1 GB of COPY text. */
  readonly rows: number;
  readonly pg: 15 | 17;
  readonly parts: ReadonlySet<BenchPart>;
  say(text: string): void;
}

/** A finishing worker calls the next one before it is idle, so twice as many as work at the same time. */
const MAX_ISOLATES = 9;

export async function runBench(options: BenchOptions): Promise<Record<string, unknown>> {
  const { rows, pg, parts, say } = options;
  const startedAt = new Date();
  const machine = { before: machineFacts() };
  const results: Record<string, unknown> = {};
  if (parts.has('export') || parts.has('worker')) {
    await onStack({ rows, pg, say }, async (stack) => {
      if (parts.has('export')) {
        const race = await raceExports(stack, { pg, say });
        const { vs_pg_dump_zstd_gpg, vs_pg_dump_custom_gpg, ...raw } = race;
        Object.assign(results, { ratios: { vs_pg_dump_zstd_gpg, vs_pg_dump_custom_gpg }, export: raw });
      }
      if (parts.has('worker')) results.worker = await benchWorker(stack, say);
    });
  }
  if (parts.has('projection')) {
    await onStack({ rows, pg, say }, async (stack) => {
      results.projection = await benchProjection(stack, say);
    });
  }
  return {
    started_at: startedAt.toISOString(),
    ended_at: new Date().toISOString(),
    command: { rows, pg, parts: [...parts] },
    machine: { ...machine, after: machineFacts() },
    ...results,
  };
}

async function onStack(
  { rows, pg, say }: Pick<BenchOptions, 'rows' | 'pg' | 'say'>,
  work: (stack: Stack) => Promise<void>,
): Promise<void> {
  say(`starting PostgreSQL ${pg} with ${rows} bookings`);
  const stack = await startStack({ pg, rows, workers: MAX_ISOLATES });
  try {
    say(`${stack.parts.database}, ${stack.parts.s3}`);
    await work(stack);
  } finally {
    await stack.stop();
  }
}
