import type { Sql } from 'postgres';
import { type Finding, ok, problem, skipped, warning } from './finding.ts';
import type { Examination, Patient } from './patient.ts';

const TIMEOUT_MS = 15_000;
const SET_UP =
  'npx supabase secrets set ALERT_SLACK_URL=https://hooks.slack.com/… && npm run backup:alerts -- channel set slack --kind slack --secret-name ALERT_SLACK_URL';

interface ChannelRow {
  readonly name: string;
  readonly kind: string;
  readonly secrets: readonly string[];
  /** Named by an enabled rule, at once or when it escalates, or a ping with a mode of its own. */
  readonly reached: boolean;
  /** How its newest delivery that is over went; null where there is none. */
  readonly last_state: string | null;
  readonly last_error: string | null;
}

/** Whether anybody hears of what goes wrong: channels that rules reach, their secrets, and how they did last. */
export const alerts: Examination = {
  name: 'alerts',
  title: 'Alerts',
  needs: 'installation',
  examine: async ({ sql, environment, functionsUrl }) => {
    const [there] = await sql!`select to_regclass('backup.alert_delivery') is not null as there`;
    if (!there!.there)
      return [problem('alerts', 'the migrations that make alerts are not applied', 'npx supabase db push')];
    const channels = await readChannels(sql!);
    if (channels.length === 0) {
      return [warning('channels', 'there is no channel that is switched on: nobody hears of a failed backup', SET_UP)];
    }
    return [
      ...reach(channels, await readProblemsRule(sql!)),
      ...(await secretsOf(channels, functionsUrl, environment)),
      ...channels.filter(({ last_state }) => last_state === 'failed' || last_state === 'fell_over').map(failedLast),
    ];
  },
};

async function readChannels(sql: Sql): Promise<ChannelRow[]> {
  const rows = await sql`
    select c.name, c.kind,
      array_remove(array[c.secret_name, c.settings ->> 'url_secret_name'], null) as secrets,
      c.settings ->> 'mode' in ('heartbeat', 'runs') is true or exists (
        select from backup.alert_rule r where r.enabled and c.name = any (r.channels || r.escalate_to)) as reached,
      last.state as last_state, last.error as last_error
    from backup.alert_channel c
    left join lateral (
      select d.state, d.error from backup.alert_delivery d
      where d.channel = c.name and d.state in ('sent', 'failed', 'fell_over')
      order by coalesce(d.sent_at, d.not_before) desc limit 1) as last on true
    where c.enabled order by c.name`;
  return rows.map((row) => ({ ...row })) as unknown as ChannelRow[];
}

interface RuleRow {
  readonly channels: readonly string[];
  readonly enabled: boolean;
}

/** The preset rule that the mends add to; null where somebody removed it. */
async function readProblemsRule(sql: Sql): Promise<RuleRow | null> {
  const [row] = await sql`select channels, enabled from backup.alert_rule where name = 'problems'`;
  return (row as RuleRow | undefined) ?? null;
}

/** `--channels` says all that the rule has then: what it has already stays, in its order. */
function addToRule(rule: RuleRow | null, names: readonly string[]): string {
  const all = [...new Set([...(rule?.channels ?? []), ...names])].join(',');
  const rest = rule === null ? " --types '*'" : rule.enabled ? '' : ' --enable';
  return `npm run backup:alerts -- rule set problems --channels ${all}${rest}`;
}

function reach(channels: readonly ChannelRow[], rule: RuleRow | null): Finding[] {
  const told = channels.filter(({ reached, kind }) => reached && kind !== 'ping').map(({ name }) => name);
  const lost = channels.filter(({ reached }) => !reached).map(({ name }) => name);
  const switches = channels.filter(({ kind, reached }) => kind === 'ping' && reached).length;
  return [
    told.length > 0
      ? ok('channels', `rules send to ${told.join(', ')}`)
      : warning(
          'channels',
          'no rule that is switched on sends to a channel that is',
          lost.length > 0 ? addToRule(rule, lost) : SET_UP,
        ),
    ...(told.length > 0 && lost.length > 0
      ? [warning('unused channels', `no rule sends to ${lost.join(', ')}`, addToRule(rule, lost))]
      : []),
    switches > 0
      ? ok("dead man's switch", 'a channel pings: silence is noticed outside')
      : warning(
          "dead man's switch",
          'no channel pings: when pg_net or the functions are dead, nobody can be told',
          'npm run backup:alerts -- channel set alive --kind ping --secret-name ALERT_PING_URL --setting mode=heartbeat --setting every_minutes=5   # docs/alerts.md',
        ),
  ];
}

async function secretsOf(
  channels: readonly ChannelRow[],
  functionsUrl: string | null,
  environment: Patient['environment'],
): Promise<Finding[]> {
  const missing = functionsUrl === null ? null : await missingInFunctions(functionsUrl, environment);
  if (missing === null) {
    return [
      skipped(
        'alert secrets',
        'the functions could not be asked whether they have the secrets of the channels',
        'set SUPABASE_SERVICE_ROLE_KEY, see that database-health-monitor answers, and run this again',
      ),
    ];
  }
  const found = channels.flatMap(({ name, secrets }) =>
    secrets
      .filter((secret) => missing.includes(secret))
      .map((secret) =>
        problem(
          `channel ${name}`,
          `the functions do not have its secret ${secret}: nothing can be sent`,
          `npx supabase secrets set ${secret}=…`,
        ),
      ),
  );
  return found.length > 0 ? found : [ok('alert secrets', 'the functions have the secret of every channel')];
}

/** Null where they cannot be asked. */
async function missingInFunctions(functionsUrl: string, environment: Patient['environment']): Promise<string[] | null> {
  const key = environment('SUPABASE_SERVICE_ROLE_KEY');
  if (key === undefined) return null;
  try {
    const response = await fetch(`${functionsUrl}/database-health-monitor/alerts?limit=1`, {
      headers: { apikey: key },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) return null;
    const { missing_secrets } = (await response.json()) as { missing_secrets?: unknown };
    return Array.isArray(missing_secrets) ? missing_secrets.map(String) : null;
  } catch {
    return null;
  }
}

function failedLast({ name, last_error }: ChannelRow): Finding {
  return warning(
    `last message to ${name}`,
    `was not delivered: ${(last_error ?? 'no reason is known').slice(0, 200)}`,
    `npm run backup:alerts -- test ${name}`,
  );
}
