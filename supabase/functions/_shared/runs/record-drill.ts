import type { JSONValue, Sql } from 'postgres';

export interface DrillRecord {
  readonly backupId: string;
  /** `weekly`, `monthly`, `on-demand`. */
  readonly kind: string;
  readonly environment: string;
  readonly startedAt: Date;
  readonly verdict: 'passed' | 'failed' | 'inconclusive';
  /** Codes and messages, no row data. */
  readonly errors: readonly unknown[];
  /** What was looked at, with seconds per phase. */
  readonly verified: unknown;
  readonly notes: string;
  /** As GET /backup-restore/drills/<id> answers it; null: the drill could not begin. */
  readonly report: unknown;
}

/** A row of backup_tests; returns its id. Throws what the server answers. */
export async function recordDrill(sql: Sql, drill: DrillRecord): Promise<string> {
  // An inconclusive drill says neither.
  const success = drill.verdict === 'inconclusive' ? null : drill.verdict === 'passed';
  const [row] = await sql`
    insert into public.backup_tests
      (backup_id, test_type, test_environment, started_at, completed_at, status, success, errors, data_verified, notes, report)
    values (${drill.backupId}, ${drill.kind}, ${drill.environment}, ${drill.startedAt}, now(), ${drill.verdict},
      ${success}, ${sql.json(drill.errors as JSONValue)}, ${sql.json(drill.verified as JSONValue)}, ${drill.notes},
      ${drill.report === null ? null : sql.json(drill.report as JSONValue)})
    returning id`;
  return row!.id as string;
}
