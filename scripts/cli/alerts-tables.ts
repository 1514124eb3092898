import pc from 'picocolors';
import type { AlertOverview } from '../../supabase/functions/_shared/alerts/read-alerts.ts';
import { intervalWords } from './interval-words.ts';
import { plainTable } from './plain-table.ts';

type Row = Readonly<Record<string, unknown>>;

/** Channels, rules, open problems and deliveries, each under its name. */
export function alertsTables({ channels, rules, problems, deliveries }: AlertOverview): string[] {
  return [
    ...titled(
      'Channels',
      ['name', 'kind', 'secret', 'fallback', ''],
      channels.map(channelCells),
      'none yet: no alert leaves the project',
    ),
    ...titled('Rules', ['name', 'types', 'from', 'channels', 'when', ''], rules.map(ruleCells), 'none'),
    pc.bold('Open problems'),
    ...problemLines(problems),
    '',
    ...titled('Deliveries', ['at', 'channel', 'kind', 'state', 'says'], deliveries.map(deliveryCells), 'none yet'),
  ];
}

export function problemLines(problems: readonly Row[]): string[] {
  if (problems.length === 0) return ['none'];
  return problems.flatMap(({ key, severity, message, todo, state, first_seen, occurrences, resolved_because }) => {
    const mark =
      state === 'resolved' ? pc.green('resolved') : severity === 'critical' ? pc.red('critical') : pc.yellow('warning');
    const times = Number(occurrences) > 1 ? `, ${occurrences} times in a row` : '';
    const head = `${mark}  ${key}: ${message} (since ${minute(first_seen)}${times})`;
    const tail = state === 'resolved' ? resolved_because : todo;
    return tail ? [head, `          ${tail}`] : [head];
  });
}

function titled(title: string, head: string[], rows: string[][], empty: string): string[] {
  if (rows.length === 0) return [pc.bold(title), empty, ''];
  const table = plainTable(
    head,
    head.map(() => 'left'),
  );
  for (const row of rows) table.push(row);
  const lines = table.toString().split('\n');
  return [pc.bold(title), ...lines.map((text) => text.trimEnd()), ''];
}

function channelCells({ name, kind, secret_name, fallback, enabled }: Row): string[] {
  return [String(name), String(kind), String(secret_name), String(fallback ?? ''), enabled ? '' : 'off'];
}

function ruleCells(rule: Row): string[] {
  const when = [
    Number(rule.min_occurrences) > 1 ? `after ${rule.min_occurrences} in a row` : '',
    rule.repeat_every ? `again every ${intervalWords(String(rule.repeat_every))}` : '',
    rule.quiet ? `quiet ${rule.quiet}${rule.quiet_breaks ? ` except ${rule.quiet_breaks}` : ''}` : '',
    rule.escalate_after
      ? `after ${intervalWords(String(rule.escalate_after))} to ${(rule.escalate_to as string[]).join(',')}`
      : '',
  ].filter((part) => part !== '');
  const lists = [
    (rule.alert_types as string[]).join(','),
    String(rule.min_severity),
    (rule.channels as string[]).join(','),
  ];
  return [String(rule.name), ...lists, when.join('; '), rule.enabled ? '' : 'off'];
}

function deliveryCells({ created_at, channel, kind, state, text, error }: Row): string[] {
  const says = error ? `${text} (${error})` : String(text);
  return [
    minute(created_at),
    String(channel),
    String(kind),
    String(state),
    says.length > 100 ? `${says.slice(0, 99)}…` : says,
  ];
}

function minute(at: unknown): string {
  return new Date(String(at)).toISOString().slice(0, 16).replace('T', ' ');
}
