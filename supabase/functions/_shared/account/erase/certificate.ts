/** What the person gets in the end: what was done, without saying to whom. */
import { entryKey, parseEntry } from '../../archive/erasure-entry-file.ts';
import { TOOL } from '../../domain/tool.ts';
import type { ErasureOutcome, ErasureRow } from './erasure-row.ts';

export interface ErasureCertificate {
  readonly version: 1;
  readonly erasure_id: string;
  readonly subject_sha256: string;
  readonly requested_at: string;
  readonly confirmed_at: string | null;
  readonly started_at: string;
  readonly completed_at: string;
  readonly account: 'deleted';
  readonly tables: readonly {
    readonly schema: string;
    readonly table: string;
    readonly action: 'delete' | 'anonymise' | 'keep';
    readonly rows: number;
  }[];
  /** Rows that the law wants kept, why, and until when. */
  readonly kept: readonly {
    readonly schema: string;
    readonly table: string;
    readonly rows: number;
    readonly reason: string;
    readonly until: string;
  }[];
  readonly side_effects: NonNullable<ErasureOutcome['side_effects']>;
  readonly files: { readonly count: number; readonly bytes: number };
  /** Copies in backups end by this day; until then no restore brings the person back. */
  readonly backups_end_by: string;
  readonly ledger: { readonly position: number; readonly key: string; readonly sha256: string };
  readonly tool: { readonly name: string; readonly version: string };
}

/** Of an erasure whose every step is done. */
export function certificateOf(row: ErasureRow, facts: { completedAt: Date; backupsEndBy: Date }): ErasureCertificate {
  const entry = parseEntry(row.entry!);
  const tables = row.outcome.tables ?? [];
  const kept = tables.flatMap(({ schema, table, action, rows }) => {
    const keep = entry.actions.find((one) => one.schema === schema && one.table === table)?.keep;
    return action === 'keep' && keep && rows > 0
      ? [{ schema, table, rows, reason: keep.reason, until: keep.until }]
      : [];
  });
  return {
    version: 1,
    erasure_id: row.erasure_id,
    subject_sha256: row.subject_sha256,
    requested_at: row.requested_at.toISOString(),
    confirmed_at: row.confirmed_at?.toISOString() ?? null,
    started_at: row.started_at!.toISOString(),
    completed_at: facts.completedAt.toISOString(),
    account: 'deleted',
    tables: tables.filter(({ rows }) => rows > 0),
    kept,
    side_effects: row.outcome.side_effects ?? [],
    files: row.outcome.files ?? { count: 0, bytes: 0 },
    backups_end_by: facts.backupsEndBy.toISOString(),
    ledger: { position: entry.position, key: entryKey(entry), sha256: row.entry_sha256! },
    tool: TOOL,
  };
}
