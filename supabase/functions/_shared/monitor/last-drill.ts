import type { Sql } from 'postgres';

export interface LastDrill {
  readonly backupId: string;
  readonly kind: string;
  readonly endedAt: Date;
  /** null: inconclusive. */
  readonly passed: boolean | null;
  /** Seconds that the restore took; null when the drill did not measure it. */
  readonly recoverySeconds: number | null;
}

/** The newest restore drill that has ended; `passed`: the newest that passed. Integrity checks of the store are no drills. */
export async function readLastDrill(
  sql: Sql,
  { now, passed = false }: { now: Date; passed?: boolean },
): Promise<LastDrill | null> {
  const [row] = await sql`
    select backup_id, test_type, completed_at, success,
           case when data_verified ->> 'recovery_seconds' ~ '^[0-9.]+$'
                then (data_verified ->> 'recovery_seconds')::float8 end as seconds
    from public.backup_tests t
    where test_type not in ('integrity_check', 'spot_check') and completed_at <= ${now}
      and to_jsonb(t) ->> 'status' is distinct from 'cancelled' and (success or not ${passed}::boolean)
    order by completed_at desc limit 1`;
  if (!row) return null;
  return {
    backupId: row.backup_id,
    kind: row.test_type,
    endedAt: row.completed_at,
    passed: row.success,
    recoverySeconds: row.seconds,
  };
}
