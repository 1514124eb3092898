/** A real backup in a directory, and a database that stands for the one restored from it. */
import { plainCipher } from '../../../supabase/functions/_shared/archive/cipher.ts';
import { createCodec } from '../../../supabase/functions/_shared/archive/codec.ts';
import { decompress } from '../../../supabase/functions/_shared/archive/decompress.ts';
import { readManifest } from '../../../supabase/functions/_shared/archive/read-manifest.ts';
import { exportDatabase } from '../../../supabase/functions/_shared/backup/export/export-database.ts';
import type { FormatName } from '../../../supabase/functions/_shared/domain/formats.ts';
import type { Manifest } from '../../../supabase/functions/_shared/domain/manifest-types.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import { type RunChecksOptions, runChecks } from '../../../supabase/functions/_shared/restore/checks/run-checks.ts';
import type {
  CheckContext,
  CheckResult,
  PlannedTable,
  RestorePlan,
} from '../../../supabase/functions/_shared/restore/contracts.ts';
import { createMemoryStore } from '../../../supabase/functions/_shared/stores/memory-store.ts';

export interface Backup {
  readonly manifest: Manifest;
  read(path: string): AsyncIterable<Uint8Array>;
}

/** Made by the export itself, unencrypted. */
export async function makeBackup(databaseUrl: string, format: FormatName | 'sql' = 'copy'): Promise<Backup> {
  const store = createMemoryStore();
  const codecFor = createCodec;
  const { folder } = await exportDatabase(
    { platform: nodePlatform, databaseUrl, store, cipher: plainCipher(), signing: null, codecFor },
    {
      request: { scope: 'full', cadence: 'manual', format: format === 'sql' ? 'copy' : format, codec: 'zstd' },
      format,
      jobs: 2,
      verify: 'quick',
    },
  );
  const manifest = await readManifest(await store.getBytes(`${folder}/manifest.json`));
  async function* read(path: string) {
    const bytes = await store.getBytes(`${folder}/${path}`);
    const source = (async function* () {
      yield bytes;
    })();
    yield* decompress(manifest.codec, source);
  }
  return { manifest, read };
}

/** Everything is loaded; tables of the platform are merged. */
export function planOf(manifest: Manifest): RestorePlan {
  return {
    backupId: manifest.backup_id,
    takenAt: manifest.consistency.taken_at,
    tables: manifest.tables.map((table): PlannedTable => {
      const { schema, name, columns } = table;
      return { table, target: { schema, name }, phase: 1, action: table.managed ? 'merge' : 'load', columns };
    }),
    phases: [],
    partitioned: [],
    schemaSections: { preData: true, sequences: true, postData: true },
    totals: { tables: manifest.totals.tables, rows: manifest.totals.rows, rawBytes: 0, storedBytes: 0 },
    expectedSeconds: 0,
    notes: [],
  };
}

export interface CheckRun extends RunChecksOptions {
  readonly context?: Partial<CheckContext>;
}

/** Runs the checks on the database; the results by name. */
export async function check(
  url: string,
  backup: Backup,
  { context, ...options }: CheckRun = {},
): Promise<Map<string, CheckResult>> {
  const session = await openSession(nodePlatform, url);
  try {
    const whole: CheckContext = {
      ...backup,
      session,
      plan: planOf(backup.manifest),
      openSession: () => openSession(nodePlatform, url),
      ...context,
    };
    const results = await runChecks(whole, options);
    return new Map(results.map((result) => [result.name, result]));
  } finally {
    await session.close();
  }
}

/** Names of the checks with this verdict. */
export function named(results: ReadonlyMap<string, CheckResult>, verdict: CheckResult['verdict']): string[] {
  return [...results.values()].filter((result) => result.verdict === verdict).map(({ name }) => name);
}
