/** Our export against pipelines of standard tools: the same database, key and S3 server, in turns, the best of three. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseStoreConfig } from '../../../supabase/functions/_shared/config.ts';
import { createS3Store } from '../../../supabase/functions/_shared/stores/s3-store.ts';
import { ensureOracle } from '../oracle/ensure-oracle.ts';
import type { Stack } from '../stack/start-stack.ts';
import { type Contestant, contestants } from './contestants.ts';
import { timeShell } from './time-shell.ts';

export interface Lap {
  readonly seconds: number;
  /** Of its own processes; the servers' is not in it. */
  readonly cpuSeconds: number;
  readonly storedBytes: number;
  /** Processes that wanted a core, averaged over the minute before it began. */
  readonly loadBefore: number;
}

export interface ExportRace {
  readonly vs_pg_dump_zstd_gpg: number;
  readonly vs_pg_dump_custom_gpg: number;
  readonly pg_dump_version: string;
  readonly upload_of_pipelines: string;
  readonly s3_server: string;
  readonly best_seconds: Record<string, number>;
  readonly laps: Record<string, readonly Lap[]>;
}

const ROUNDS = 3;

/** Throws when there is no native pg_dump of the server's version, or a contestant fails. */
export async function raceExports(
  stack: Stack,
  { pg, say }: { pg: 15 | 17; say: (text: string) => void },
): Promise<ExportRace> {
  const oracle = await ensureOracle(pg, { download: true });
  if (!oracle) throw new Error(`there is no pg_dump ${pg}: install postgresql-client-${pg}`);
  const directory = await mkdtemp(join(tmpdir(), 'hf-bench-'));
  try {
    await mkdir(join(directory, 'gnupg'), { mode: 0o700 });
    const { field, environment, upload } = await contestants(stack, { oracle, directory });
    const laps = await runLaps(stack, field, { environment, say });
    const best = Object.fromEntries(
      Object.entries(laps).map(([name, all]) => [name, Math.min(...all.map((lap) => lap.seconds))]),
    );
    return {
      vs_pg_dump_zstd_gpg: best.pg_dump_zstd_gpg! / best.holdfast!,
      vs_pg_dump_custom_gpg: best.pg_dump_custom_gpg! / best.holdfast!,
      pg_dump_version: (await timeShell(`${oracle.pgDump} --version`, environment)).output.trim(),
      upload_of_pipelines: upload,
      s3_server: stack.parts.s3,
      best_seconds: best,
      laps,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runLaps(
  stack: Stack,
  field: readonly Contestant[],
  { environment, say }: { environment: NodeJS.ProcessEnv; say: (text: string) => void },
): Promise<Record<string, Lap[]>> {
  const laps: Record<string, Lap[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    // Another one begins each time: what the one before has left in caches helps or harms everyone once.
    for (const { name, script } of [...field.slice(round % field.length), ...field.slice(0, round % field.length)]) {
      const loadBefore = loadavg()[0]!;
      const { seconds, cpuSeconds } = await timeShell(script, environment);
      const storedBytes = await emptyStore(stack);
      laps[name] = [...(laps[name] ?? []), { seconds, cpuSeconds, storedBytes, loadBefore }];
      say(`${name}: ${seconds.toFixed(2)} s, ${(storedBytes / 1e6).toFixed(0)} MB stored`);
    }
  }
  return laps;
}

/** Returns the bytes that were there. */
async function emptyStore(stack: Stack): Promise<number> {
  const store = createS3Store(parseStoreConfig((name) => stack.env[name]));
  let bytes = 0;
  for await (const object of store.list('')) {
    bytes += object.size;
    await store.delete(object.key);
  }
  return bytes;
}
