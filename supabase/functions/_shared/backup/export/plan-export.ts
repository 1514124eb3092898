import type { BackupRequest } from '../../domain/backup-request.ts';
import type { Limit } from '../../domain/manifest-types.ts';
import type { BackupMeans } from '../backup-settings.ts';
import { checkMeans } from '../check-means.ts';
import { openSource } from './open-source.ts';
import { StopScope } from './stop-scope.ts';

export interface ExportPlan {
  readonly database: string;
  readonly server_version: string;
  readonly location: string;
  readonly encrypted_to: string[];
  readonly tables: { name: string; estimated_rows: number; estimated_bytes: number; objects: number }[];
  readonly estimated_bytes: number;
  readonly limits: Limit[];
}

/** What exportDatabase() would do, after all the checks that it makes first. Stores nothing. Throws what it throws. */
export async function planExport(means: BackupMeans, request: BackupRequest): Promise<ExportPlan> {
  const scope = new StopScope();
  try {
    await checkMeans(means);
    const { catalog, planned } = await openSource(means, request, scope);
    return {
      database: catalog.databaseName,
      server_version: catalog.serverVersion,
      location: means.store.location,
      encrypted_to: means.cipher.recipients.map(({ userId, fingerprint }) => userId || fingerprint),
      tables: planned.plans.map(({ table, slices, estimatedBytes }) => ({
        name: `${table.schema}.${table.name}`,
        estimated_rows: table.estimatedRows,
        estimated_bytes: estimatedBytes,
        objects: slices.length,
      })),
      estimated_bytes: planned.plans.reduce((sum, plan) => sum + plan.estimatedBytes, 0),
      limits: planned.limits,
    };
  } finally {
    await scope.dispose();
  }
}
