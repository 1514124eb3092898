/** A row of backup.erasure. */
import type { Sql, TransactionSql } from 'postgres';
import type { PlannedErasure } from './erasure-plan.ts';

export interface ErasureOutcome {
  readonly files?: { readonly count: number; readonly bytes: number };
  readonly tables?: readonly {
    readonly schema: string;
    readonly table: string;
    readonly action: 'delete' | 'anonymise' | 'keep';
    readonly rows: number;
  }[];
  readonly side_effects?: PlannedErasure['side_effects'];
}

export interface ErasureRow {
  readonly erasure_id: string;
  /** Null once everything is erased. */
  readonly subject_id: string | null;
  readonly subject_sha256: string;
  readonly origin: 'user' | 'operator' | 'ledger';
  readonly state: 'planned' | 'scheduled' | 'executing' | 'completed' | 'cancelled' | 'refused' | 'failed';
  readonly plan: PlannedErasure & {
    readonly subject?: { readonly email: string | null; readonly phone: string | null };
  };
  readonly plan_sha256: string | null;
  readonly token_expires_at: Date | null;
  readonly requested_at: Date;
  readonly confirmed_at: Date | null;
  readonly due_at: Date | null;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
  readonly position: number | string | null;
  readonly entry: string | null;
  readonly entry_sha256: string | null;
  readonly stored_at: Date | null;
  readonly files_erased_at: Date | null;
  readonly rows_erased_at: Date | null;
  readonly auth_erased_at: Date | null;
  readonly outcome: ErasureOutcome;
  readonly certificate: string | null;
  readonly certificate_signature: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string } | null;
}

/** null when there is none. */
export async function readErasure(sql: Sql | TransactionSql, id: string): Promise<ErasureRow | null> {
  const [row] = await sql<ErasureRow[]>`select * from backup.erasure where erasure_id = ${id}`;
  return row ?? null;
}
