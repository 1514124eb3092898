import { openSession } from '../../postgres/open-session.ts';
import { beginSnapshot } from '../../postgres/snapshot.ts';
import type { StoredSegment } from '../../runs/run-row.ts';
import type { BackupMeans } from '../backup-settings.ts';
import { catalogFacts, platformExtensions } from '../catalog-facts.ts';
import { dumpSchemaObject, SCHEMA_SECTIONS } from '../dump-schema-object.ts';
import { takesConfig, writeConfigObject } from '../write-config-object.ts';
import type { CopyTables } from './copy-tables.ts';

/** The sections of the DDL and the project's configuration, one after the other: they compete with the rows for one thread. */
export async function dumpSchema(means: BackupMeans, input: CopyTables): Promise<StoredSegment[]> {
  const { job, source, scope, folder } = input;
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
  if (takesConfig(job.request) && !scope.stopped) objects.push(await storeConfig(means, input));
  return objects;
}

async function storeConfig(means: BackupMeans, { job, source, scope, folder }: CopyTables): Promise<StoredSegment> {
  const opening = openSession(means.platform, means.databaseUrl, { applicationName: 'holdfast export config' });
  const session = await scope.session(opening);
  try {
    await beginSnapshot(session, { import: source.consistency.snapshot! });
    return await writeConfigObject(means, session, {
      source: catalogFacts(source.catalog),
      codec: job.request.codec ?? 'zstd',
      folder,
      attempt: 1,
    });
  } finally {
    await scope.closeSession(session);
  }
}
