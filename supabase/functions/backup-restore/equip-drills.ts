/** What a worker call needs, made of the function's secrets; only what its path asks for is loaded. */
import type { Sql } from 'postgres';
import { parseDrillConfig, parseFunctionConfig } from '../_shared/config.ts';
import type { Platform } from '../_shared/platform.ts';
import { parseConnectionUrl } from '../_shared/postgres/connection-url.ts';
import type { DrillLimits, DrillMeans } from '../_shared/restore/drill/drill-means.ts';
import type { SweepMeans } from '../_shared/restore/drill/sweep-step.ts';
import { createS3Store } from '../_shared/stores/s3-store.ts';

/** Throws CONFIG_INVALID. */
export function equipSweep(platform: Platform, sql: Sql): SweepMeans {
  return {
    platform,
    server: parseConnectionUrl(serverUrl(platform).url),
    ended: async () => (await sql`select name from backup.ended_drill_databases() as name`).map((row) => row.name),
  };
}

/** Throws CONFIG_INVALID. */
export async function equipDrill(platform: Platform, sql: Sql, backupId: string): Promise<DrillMeans> {
  const config = parseFunctionConfig(platform.env);
  const { privateKeys, passphrase, verifyKeys } = parseDrillConfig(platform.env);
  const { url, environment } = serverUrl(platform);
  const [run] = await sql`select folder from public.backup_log where backup_id = ${backupId}`;
  return {
    platform,
    store: createS3Store(config.store),
    folder: run?.folder ?? null,
    decipher: privateKeys && (() => unlock(privateKeys.reveal(), passphrase?.reveal())),
    verificationKeys: verifyKeys,
    server: parseConnectionUrl(url),
    environment,
    limits: await readLimits(sql),
  };
}

function serverUrl(platform: Platform): { url: string; environment: string } {
  const { testDatabaseUrl } = parseDrillConfig(platform.env);
  if (testDatabaseUrl) return { url: testDatabaseUrl.reveal(), environment: 'a scratch database on the test server' };
  const own = parseFunctionConfig(platform.env).databaseUrl.reveal();
  return { url: own, environment: "a scratch database on the project's own server" };
}

async function unlock(privateKeys: string, passphrase: string | undefined) {
  const { createDecipher } = await import('../_shared/archive/decipher.ts');
  return await createDecipher(privateKeys, passphrase);
}

async function readLimits(sql: Sql): Promise<DrillLimits> {
  const rows = await sql`select name, (value #>> '{}')::float8 as number from backup.setting where name like 'drill_%'`;
  const of = (name: string, usual: number) => Number(rows.find((row) => row.name === name)?.number ?? usual);
  return {
    sliceBytes: of('drill_slice_bytes', 40_000_000),
    sliceSeconds: of('drill_slice_seconds', 40),
    maxBytes: of('drill_max_bytes', 2_000_000_000),
  };
}
