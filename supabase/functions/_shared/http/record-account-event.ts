/** The audit trail of what users and operators do with personal data: rows of public.security_events_log. */
import type { JSONValue, Sql } from 'postgres';

export interface AccountEvent {
  /** `account_export_requested`, `account_export_downloaded`, `account_access_denied` … */
  readonly type: string;
  /** Whose data; null for a stranger. */
  readonly userId: string | null;
  /** Ids, formats, reasons; never the data itself. Texts are cut, and what jsonb cannot hold is replaced. */
  readonly data: Readonly<Record<string, JSONValue | undefined>>;
}

const TEXT_MAX_CHARS = 300;

/** Call it before answering: what cannot be recorded is not handed out. */
export async function recordAccountEvent(sql: Sql, { type, userId, data }: AccountEvent): Promise<void> {
  const safe = Object.fromEntries(Object.entries(data).map(([name, value]) => [name, storable(value ?? null)]));
  await sql`
    insert into public.security_events_log (event_type, event_category, severity, user_id, event_data)
    values (${type}, 'data_access', 'medium', ${userId}::uuid, ${sql.json(safe)}::jsonb)`;
}

function storable(value: JSONValue): JSONValue {
  return typeof value === 'string' ? value.replace(/[\p{Cc}\p{Cs}]/gu, '?').slice(0, TEXT_MAX_CHARS) : value;
}
