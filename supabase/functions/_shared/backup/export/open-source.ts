/** The database as one moment: a session that holds the snapshot and the locks, and what is to be exported from it. */
import type { BackupRequest } from '../../domain/backup-request.ts';
import type { SnapshotFacts } from '../../domain/manifest-types.ts';
import { HoldfastError } from '../../errors.ts';
import type { Catalog } from '../../postgres/catalog-types.ts';
import { openSession } from '../../postgres/open-session.ts';
import { readCatalog } from '../../postgres/read-catalog.ts';
import type { PgSession } from '../../postgres/session.ts';
import { beginSnapshot } from '../../postgres/snapshot.ts';
import type { BackupMeans } from '../backup-settings.ts';
import { lockTables } from '../lock-tables.ts';
import { planTables } from '../plan-tables.ts';
import { snapshotFacts } from '../snapshot-facts.ts';
import { checkServerVersion } from './check-server-version.ts';
import { readTiers } from './read-tiers.ts';
import type { StopScope } from './stop-scope.ts';

/** One object each: large enough that a request more does not matter, small enough to restore in parallel. */
const SLICE_BYTES = 64 * 1024 * 1024;
const ATTEMPTS = 3;

export interface Source {
  readonly session: PgSession;
  readonly consistency: SnapshotFacts;
  readonly catalog: Catalog;
  readonly planned: ReturnType<typeof planTables>;
}

/** Throws what openSession() throws, DATABASE_VERSION_UNSUPPORTED, TABLE_UNKNOWN, WHERE_INVALID, TABLES_CHANGED. */
export async function openSource(means: BackupMeans, request: BackupRequest, scope: StopScope): Promise<Source> {
  for (let attempt = 1; ; attempt += 1) {
    const opening = openSession(means.platform, means.databaseUrl, { applicationName: 'holdfast export' });
    const session = await scope.session(opening);
    try {
      return await readSource(session, request);
    } catch (error) {
      await scope.closeSession(session);
      scope.throwIfInterrupted();
      const again = error instanceof HoldfastError && error.code === 'TABLES_CHANGED' && attempt < ATTEMPTS;
      if (!again) throw error;
    }
  }
}

async function readSource(session: PgSession, request: BackupRequest): Promise<Source> {
  checkServerVersion(session);
  const consistency = snapshotFacts(await beginSnapshot(session));
  const catalog = await readCatalog(session);
  const planned = planTables(catalog, request, { tiers: await readTiers(session), sliceBytes: SLICE_BYTES });
  await lockTables(
    session,
    planned.plans.map((plan) => plan.table),
  );
  return { session, consistency, catalog, planned };
}
