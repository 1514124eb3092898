/** All slices of all tables, N at a time; each connection reads from the snapshot that the export's own session holds. */
import { HoldfastError } from '../../errors.ts';
import type { Slice, Table } from '../../postgres/catalog-types.ts';
import { openSession } from '../../postgres/open-session.ts';
import type { PgSession } from '../../postgres/session.ts';
import { beginSnapshot } from '../../postgres/snapshot.ts';
import type { StoredSegment } from '../../runs/run-row.ts';
import type { BackupMeans } from '../backup-settings.ts';
import { type CopyJob, copySlice } from '../copy-slice.ts';
import type { ExportJob } from './export-job.ts';
import type { Source } from './open-source.ts';
import type { StopScope } from './stop-scope.ts';

export interface CopyTables {
  readonly job: ExportJob;
  readonly source: Source;
  readonly scope: StopScope;
  readonly folder: string;
}

interface Unit {
  readonly table: Table;
  readonly slice: Slice;
  /** Where its object stands in the result. */
  readonly index: number;
}

/** One object per slice, in the order of the plan. */
export async function copyTables(means: BackupMeans, input: CopyTables): Promise<StoredSegment[]> {
  const { plans } = input.source.planned;
  const units = plans
    .flatMap(({ table, slices }) => slices.map((slice) => ({ table, slice })))
    .map((unit, index) => ({ ...unit, index }));
  // The largest first: a large one that begins last would leave the other connections idle.
  const waiting = [...units].sort((one, other) => other.slice.estimatedBytes - one.slice.estimatedBytes).values();
  const segments: StoredSegment[] = [];
  const copySome = async () => {
    const opening = openSession(means.platform, means.databaseUrl, { applicationName: 'holdfast export copy' });
    const session = await input.scope.session(opening);
    try {
      await beginSnapshot(session, { import: input.source.consistency.snapshot! });
      for (const unit of waiting) {
        if (input.scope.stopped) return;
        segments[unit.index] = await copyUnit(means, { ...input, session, unit });
      }
    } finally {
      await input.scope.closeSession(session);
    }
  };
  const connections = Math.min(input.job.jobs, units.length);
  await input.scope.all(Array.from({ length: connections }, () => copySome));
  return segments;
}

async function copyUnit(
  means: BackupMeans,
  { job, source, folder, session, unit }: CopyTables & { session: PgSession; unit: Unit },
): Promise<StoredSegment> {
  const name = `${unit.table.schema}.${unit.table.name}`;
  job.onEvent?.({ type: 'table', name });
  const copy: CopyJob = {
    table: unit.table,
    slice: unit.slice,
    folder,
    format: job.request.format ?? 'copy',
    codec: job.request.codec ?? 'zstd',
    where: job.request.where ?? [],
    exportDate: source.consistency.taken_at,
    attempt: 1,
    onBlock: ({ rows, bytes }) => job.onEvent?.({ type: 'rows', rows, bytes }),
  };
  try {
    return await copySlice(means, session, copy);
  } catch (error) {
    throw namingTable(error, name);
  }
}

/** What the server says of a COPY does not name the table. */
function namingTable(error: unknown, table: string): unknown {
  if (!(error instanceof HoldfastError) || error.message.includes(table)) return error;
  const { code, hint, details, message } = error;
  return new HoldfastError(code, error, `${table}: ${message}`, { cause: error, hint, details: { ...details, table } });
}
