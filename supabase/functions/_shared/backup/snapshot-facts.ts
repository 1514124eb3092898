import type { SnapshotFacts } from '../domain/manifest-types.ts';
import type { SnapshotInfo } from '../postgres/snapshot.ts';

/** A snapshot as the ledger and the manifest say it. */
export function snapshotFacts(info: SnapshotInfo): SnapshotFacts {
  return { snapshot: info.name, pg_snapshot: info.pgSnapshot, lsn: info.lsn, taken_at: info.takenAt };
}
