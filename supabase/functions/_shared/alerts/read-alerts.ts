/** What operators see: channels, rules, open problems and the newest deliveries. No secret is in any of it. */
import type { Sql } from 'postgres';

export interface AlertOverview {
  readonly channels: readonly Record<string, unknown>[];
  readonly rules: readonly Record<string, unknown>[];
  readonly problems: readonly Record<string, unknown>[];
  readonly deliveries: readonly Record<string, unknown>[];
}

export interface OverviewOptions {
  /** How many deliveries, the newest first. */
  readonly deliveries: number;
  /** Problems that were resolved in so many days too. Default 0. */
  readonly resolvedDays?: number;
}

export async function readAlerts(sql: Sql, { deliveries, resolvedDays = 0 }: OverviewOptions): Promise<AlertOverview> {
  const [row] = await sql`
    select
      (select coalesce(jsonb_agg(jsonb_build_object('name', name, 'kind', kind, 'secret_name', secret_name,
          'settings', settings, 'enabled', enabled, 'fallback', fallback) order by name), '[]')
       from backup.alert_channel) as channels,
      (select coalesce(jsonb_agg(jsonb_build_object('name', name, 'alert_types', alert_types, 'min_severity', min_severity,
          'channels', channels, 'repeat_every', repeat_every::text,
          'quiet', case when quiet_from is not null then
            to_char(quiet_from, 'HH24:MI') || '-' || to_char(quiet_until, 'HH24:MI') || ' ' || quiet_zone end,
          'quiet_breaks', quiet_breaks, 'escalate_after', escalate_after::text, 'escalate_to', escalate_to,
          'min_occurrences', min_occurrences, 'send_resolved', send_resolved, 'enabled', enabled) order by name), '[]')
       from backup.alert_rule) as rules,
      (select coalesce(jsonb_agg(p.line order by p.state, p.first_seen desc), '[]') from (
         select state, first_seen, jsonb_build_object('id', id, 'key', key, 'type', type, 'severity', severity,
           'message', message, 'todo', todo, 'state', state, 'occurrences', occurrences, 'first_seen', first_seen,
           'last_seen', last_seen, 'resolved_at', resolved_at, 'resolved_because', resolved_because) as line
         from backup.problem
         where state = 'open' or resolved_at > now() - make_interval(days => ${resolvedDays})
         order by state, first_seen desc limit 200) as p) as problems,
      (select coalesce(jsonb_agg(d.line order by d.ordinal desc), '[]') from (
         select ordinal, jsonb_build_object('id', id, 'channel', channel, 'kind', kind, 'subject', subject,
           'text', message ->> 'text', 'severity', message ->> 'severity', 'state', state, 'attempts', attempts,
           'error', error, 'created_at', created_at, 'sent_at', sent_at, 'instead_of', via) as line
         from backup.alert_delivery order by ordinal desc limit ${deliveries}) as d) as deliveries`;
  return row as unknown as AlertOverview;
}
