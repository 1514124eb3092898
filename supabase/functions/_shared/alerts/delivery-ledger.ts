/** The sender's side of backup.alert_delivery. */
import type { Sql } from 'postgres';
import type { AlertDelivery, AlertMessage } from './alert-message.ts';

export type DeliveryOutcome =
  | { readonly state: 'sent' }
  | { readonly state: 'retry'; readonly error: string; readonly afterSeconds: number }
  | { readonly state: 'failed'; readonly error: string };

/** What is due, one delivery of each channel, held for 90 seconds. */
export async function claimDeliveries(sql: Sql): Promise<AlertDelivery[]> {
  const rows = await sql`
    select d.id, d.subject, d.channel, d.attempts, d.message, c.kind, c.enabled, c.secret_name, c.settings
    from backup.claim_deliveries() as d
    left join backup.alert_channel c on c.name = d.channel`;
  return rows.map((row) => ({
    id: row.id as string,
    subject: row.subject as string,
    channel: row.channel as string,
    attempts: row.attempts as number,
    message: row.message as AlertMessage,
    channelKind: row.kind as string | null,
    enabled: row.enabled === true,
    secretName: row.secret_name as string | null,
    settings: (row.settings ?? {}) as Record<string, unknown>,
  }));
}

/** Says how it went; the state that the delivery is in then. */
export async function settleDelivery(
  sql: Sql,
  { id, attempts }: AlertDelivery,
  outcome: DeliveryOutcome,
): Promise<string> {
  const error = outcome.state === 'sent' ? null : outcome.error;
  const seconds = outcome.state === 'retry' ? outcome.afterSeconds : 0;
  const [row] = await sql`
    select backup.settle_delivery(${id}, ${attempts}, ${outcome.state}, ${error}, ${seconds}) as state`;
  return row!.state as string;
}

/** Seconds until the next delivery may be sent; null when none waits. */
export async function nextDeliveryInSeconds(sql: Sql): Promise<number | null> {
  const [row] = await sql`select backup.next_delivery_in_seconds()::float8 as seconds`;
  return (row?.seconds as number | null) ?? null;
}
