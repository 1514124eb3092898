import type { ZipEntry } from './zip-entry.ts';
import { centralRecord, endRecords } from './zip-records.ts';

/** The end of an archive whose entries stand in this order from its first byte on. */
export function* centralDirectory(entries: Iterable<ZipEntry>): Generator<Uint8Array> {
  let offset = 0;
  let size = 0;
  let count = 0;
  for (const entry of entries) {
    const record = centralRecord(entry, offset);
    offset += entry.total;
    size += record.length;
    count += 1;
    yield record;
  }
  yield endRecords({ entries: count, offset, size });
}
