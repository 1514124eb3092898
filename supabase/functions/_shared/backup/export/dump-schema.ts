import type { StoredSegment } from '../../runs/run-row.ts';
import type { BackupMeans } from '../backup-settings.ts';
import { platformExtensions } from '../catalog-facts.ts';
import { dumpSchemaObject, SCHEMA_SECTIONS } from '../dump-schema-object.ts';
import type { CopyTables } from './copy-tables.ts';

/** The sections of the DDL, one after the other: they compete with the rows for one thread. */
export async function dumpSchema(
  means: BackupMeans,
  { job, source, scope, folder }: CopyTables,
): Promise<StoredSegment[]> {
  const objects: StoredSegment[] = [];
  for (const section of SCHEMA_SECTIONS) {
    if (scope.stopped) break;
    objects.push(
      await dumpSchemaObject(means, {
        section,
        snapshot: source.consistency.snapshot!,
        codec: job.request.codec ?? 'zstd',
        folder,
        attempt: 1,
        excludeSchemas: source.catalog.managedSchemas,
        platformExtensions: platformExtensions(source.catalog),
        excludeTables: source.planned.excludeTables,
      }),
    );
  }
  return objects;
}
