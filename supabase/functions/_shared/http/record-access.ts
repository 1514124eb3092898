/** The audit trail of access to backups: rows of public.security_events_log, as the backup plans ask for them. */
import type { JSONValue, Sql } from 'postgres';
import type { Caller } from './caller.ts';

export interface AccessedBackup {
  readonly backupId: string;
  readonly backupType: string;
  readonly startedAt: Date;
}

/** Call it before answering: what cannot be recorded is not handed out. */
export async function recordBackupAccess(sql: Sql, caller: Caller, backup: AccessedBackup): Promise<void> {
  await insertEvent(sql, 'backup_accessed', caller.userId, {
    backup_id: backup.backupId,
    backup_type: backup.backupType,
    backup_date: backup.startedAt.toISOString().slice(0, 10),
    action: 'download',
    by: caller.kind === 'service' ? 'service key' : 'user',
  });
}

/** The same for the report of a drill, which names tables and numbers of rows. */
export async function recordReportAccess(
  sql: Sql,
  caller: Caller,
  { drillId, backupId }: { drillId: string; backupId: string },
): Promise<void> {
  await insertEvent(sql, 'drill_report_accessed', caller.userId, {
    drill_id: drillId,
    backup_id: backupId,
    action: 'read',
    by: caller.kind === 'service' ? 'service key' : 'user',
  });
}

export interface RefusedRequest {
  readonly code: string;
  readonly userId: string | null;
  readonly method: string;
  readonly path: string;
  /** Refusals before this one that were not recorded, see refusal-budget.ts. */
  readonly unrecorded: number;
}

/** A path may be anything that a stranger sends: it is cut, and what jsonb cannot hold is replaced. */
export async function recordRefusal(sql: Sql, refused: RefusedRequest): Promise<void> {
  await insertEvent(sql, 'backup_access_denied', refused.userId, {
    reason: refused.code,
    method: refused.method.slice(0, 16),
    path: printable(refused.path).slice(0, 300),
    ...(refused.unrecorded > 0 ? { unrecorded_before: refused.unrecorded } : {}),
  });
}

async function insertEvent(
  sql: Sql,
  type: string,
  userId: string | null,
  data: Record<string, JSONValue>,
): Promise<void> {
  await sql`
    insert into public.security_events_log (event_type, event_category, severity, user_id, event_data)
    values (${type}, 'data_access', 'medium', ${userId}::uuid, ${sql.json(data)}::jsonb)`;
}

function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]/gu, '?');
}
