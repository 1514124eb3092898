import type { JSONValue, Sql } from 'postgres';

export interface DrillRecord {
  readonly backupId: string;
  /** `weekly`, `monthly`, `on-demand`. */
  readonly kind: string;
  readonly environment: string;
  readonly startedAt: Date;
  readonly success: boolean;
  /** Codes and messages, no row data. */
  readonly errors: readonly unknown[];
  /** What was looked at, with seconds per phase. */
  readonly verified: unknown;
  readonly notes: string;
}

/** A row of backup_tests; returns its id. Throws what the server answers. */
export async function recordDrill(sql: Sql, drill: DrillRecord): Promise<string> {
  const [row] = await sql`
    insert into public.backup_tests
      (backup_id, test_type, test_environment, started_at, completed_at, success, errors, data_verified, notes)
    values (${drill.backupId}, ${drill.kind}, ${drill.environment}, ${drill.startedAt}, now(), ${drill.success},
      ${sql.json(drill.errors as JSONValue)}, ${sql.json(drill.verified as JSONValue)}, ${drill.notes})
    returning id`;
  return row!.id as string;
}
