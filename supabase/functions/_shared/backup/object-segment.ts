import type { StoredObject } from '../archive/contracts.ts';
import type { StoredSegment } from '../runs/run-row.ts';

/** The ledger's row of an object that is of no table. */
export function objectSegment(kind: StoredSegment['kind'], stored: StoredObject): StoredSegment {
  return {
    path: stored.path,
    kind,
    schemaName: null,
    tableName: null,
    part: null,
    rowCount: null,
    rawBytes: stored.rawBytes,
    storedBytes: stored.size,
    sha256: stored.sha256,
    storeSha256: stored.storeSha256 ?? null,
    facts: null,
  };
}
