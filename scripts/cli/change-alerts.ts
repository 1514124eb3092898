import type { JSONValue, Sql } from 'postgres';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import type { AlertsRequest } from './alerts-command.ts';

export interface AlertsChange {
  readonly facts: Record<string, unknown>;
  readonly line: string;
}

/** Makes, changes or removes a channel or a rule. The database checks what it is given; throws ALERT_SETTING_INVALID too. */
export async function changeAlerts(sql: Sql, { action, name, raw }: AlertsRequest): Promise<AlertsChange> {
  switch (action) {
    case 'channel set':
      return await setChannel(sql, name!, raw);
    case 'rule set':
      return await setRule(sql, name!, raw);
    default: {
      const thing = action === 'channel remove' ? 'channel' : 'rule';
      const [row] =
        thing === 'channel'
          ? await sql`select backup.alert_channel_remove(${name}) as removed`
          : await sql`select backup.alert_rule_remove(${name}) as removed`;
      if (row?.removed !== true) throw ERRORS.ALERT_SETTING_INVALID(`there is no ${thing} '${name}'`);
      return { facts: { removed: name }, line: `${thing} ${name} is removed` };
    }
  }
}

type Raw = AlertsRequest['raw'];

async function setChannel(sql: Sql, name: string, raw: Raw): Promise<AlertsChange> {
  const settings = settingsOf(raw.setting as string[] | undefined);
  const [row] = await sql`
    select to_jsonb(c) - '{created_at,updated_at}'::text[] as channel
    from backup.alert_channel_set(${name}, ${text(raw.kind)}, ${text(raw.secretName)},
      ${settings === null ? null : sql.json(settings as JSONValue)}, ${enabledOf(raw)}, ${text(raw.fallback)}) as c`;
  return { facts: row!.channel, line: `channel ${name} is set; try it: npm run backup:alerts -- test ${name}` };
}

async function setRule(sql: Sql, name: string, raw: Raw): Promise<AlertsChange> {
  const occurrences = raw.minOccurrences === undefined ? null : Number(raw.minOccurrences);
  if (occurrences !== null && !(Number.isInteger(occurrences) && occurrences >= 1 && occurrences <= 1000)) {
    throw ERRORS.ALERT_SETTING_INVALID(
      `--min-occurrences must be a whole number from 1 to 1000: got '${raw.minOccurrences}'`,
    );
  }
  const [row] = await sql`
    select to_jsonb(r) - 'updated_at' as rule
    from backup.alert_rule_set(${name}, ${list(raw.types)}::text[], ${text(raw.minSeverity)}, ${list(raw.channels)}::text[],
      ${text(raw.repeat)}::interval, ${text(raw.quiet)}, ${text(raw.quietBreaks)}, ${text(raw.escalateAfter)}::interval,
      ${list(raw.escalateTo)}::text[], ${occurrences}, ${(raw.resolved as boolean | undefined) ?? null}, ${enabledOf(raw)}) as r`;
  return { facts: row!.rule, line: `rule ${name} is set` };
}

/** Numbers stay numbers, `to` is always a list, and null takes a setting away. */
function settingsOf(pairs: readonly string[] | undefined): Record<string, unknown> | null {
  if (pairs === undefined) return null;
  const settings: Record<string, unknown> = {};
  for (const pair of pairs) {
    const [, key, value] = /^([a-z_]+)=(.*)$/.exec(pair) ?? [];
    // The pair is not repeated: it may be a secret that was given in the wrong place.
    if (!key || value === undefined) throw ERRORS.ALERT_SETTING_INVALID('--setting must look like key=value');
    if (value === '') settings[key] = null;
    else if (key === 'to')
      settings.to = [...((settings.to as string[]) ?? []), ...value.split(',').map((part) => part.trim())];
    else settings[key] = /^\d+$/.test(value) ? Number(value) : value;
  }
  return settings;
}

function enabledOf(raw: Raw): boolean | null {
  if (raw.enable && raw.disable) throw ERRORS.ALERT_SETTING_INVALID('--enable and --disable exclude each other');
  return raw.enable ? true : raw.disable ? false : null;
}

function text(value: unknown): string | null {
  return value === undefined ? null : String(value);
}

function list(value: unknown): string[] | null {
  return value === undefined ? null : (value as string[]);
}
