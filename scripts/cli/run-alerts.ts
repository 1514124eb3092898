/** The alerts command from its arguments to its exit code. The entry file gives it the process's own streams and environment. */
import type { Sql } from 'postgres';
import { readAlerts } from '../../supabase/functions/_shared/alerts/read-alerts.ts';
import type { Environment } from '../../supabase/functions/_shared/config.ts';
import { databaseError } from '../../supabase/functions/_shared/errors/database-error.ts';
import { ERRORS, HoldfastError } from '../../supabase/functions/_shared/errors.ts';
import { nodePlatform } from '../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../supabase/functions/_shared/postgres/open-driver.ts';
import { type AlertsRequest, alertsCommand } from './alerts-command.ts';
import { alertsTables, problemLines } from './alerts-tables.ts';
import { changeAlerts } from './change-alerts.ts';
import { databaseUrlProblems } from './database-url-problems.ts';
import { EXIT } from './exit-code.ts';
import { parseArguments } from './parse-arguments.ts';
import { reportFailure } from './report-failure.ts';
import { line, type Terminal } from './terminal.ts';
import { testChannel } from './test-channel.ts';

export interface AlertsProcess {
  readonly args: readonly string[];
  readonly environment: Environment;
  readonly terminal: Terminal;
}

/** SQLSTATEs with which backup.alert_channel_set() and its like refuse what they were given. */
const REFUSALS = new Set(['22023', 'P0002', '23514', '22P02', '22007', '22008', '23505']);

const NO_INTERVAL = /^2200[78]$/;

/** The functions of the database name their parameters, as SQL has them: p_secret_name is --secret-name here. */
function optionWords(text: string): string {
  return text.replace(/\bp_([a-z_]+)( => )?/g, (_, name: string, arrow?: string) => {
    return `--${name.replaceAll('_', '-')}${arrow ? ' ' : ''}`;
  });
}

/** Never throws: what goes wrong is reported and becomes the exit code. */
export async function runAlerts({ args, environment, terminal }: AlertsProcess): Promise<number> {
  const json = args.includes('--json');
  try {
    let request: AlertsRequest | undefined;
    const command = alertsCommand(
      (text) => terminal.stdout.write(text),
      (found) => {
        request = found;
      },
    );
    if (parseArguments(command, args, invalid) === null) return EXIT.ok;
    if (!request) throw invalid(['say what to do: list, problems, test, channel or rule']);
    const url = environment('DATABASE_URL')?.trim() ?? '';
    const problems = url === '' ? ['DATABASE_URL must be set'] : databaseUrlProblems(url, 'DATABASE_URL');
    if (problems.length > 0) throw invalid(problems);
    const sql = openDriver(url, {
      max: 1,
      applicationName: 'holdfast alerts',
      platform: nodePlatform,
    }) as unknown as Sql;
    try {
      return await answer(sql, request, { terminal, json });
    } finally {
      await sql.end({ timeout: 5 });
    }
  } catch (error) {
    return reportFailure(known(error), terminal, { json, verbose: args.includes('--verbose') });
  }
}

async function answer(
  sql: Sql,
  request: AlertsRequest,
  { terminal, json }: { terminal: Terminal; json: boolean },
): Promise<number> {
  const say = (facts: unknown, lines: readonly string[]) => {
    if (json) line(terminal.stdout, JSON.stringify(facts));
    else for (const text of lines) line(terminal.stdout, text);
  };
  const { action, name, raw } = request;
  if (action === 'list') {
    const overview = await readAlerts(sql, { deliveries: wholeNumber(raw.deliveries, '--deliveries', 10) });
    say(overview, alertsTables(overview));
  } else if (action === 'problems') {
    const { problems } = await readAlerts(sql, {
      deliveries: 0,
      resolvedDays: wholeNumber(raw.resolved, '--resolved', 0),
    });
    say({ problems }, problemLines(problems));
  } else if (action === 'test') {
    const tested = await testChannel(sql, name!, wholeNumber(raw.wait, '--wait', 90));
    say(tested.facts, tested.lines);
    return tested.delivered ? EXIT.ok : EXIT.failed;
  } else {
    const changed = await changeAlerts(sql, request);
    say(changed.facts, [changed.line]);
  }
  return EXIT.ok;
}

function wholeNumber(value: unknown, option: string, usual: number): number {
  if (value === undefined) return usual;
  if (!/^\d{1,4}$/.test(String(value))) throw invalid([`${option} must be a whole number: got '${value}'`]);
  return Number(value);
}

function known(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const { code, message, hint } = error as { code?: string; message?: string; hint?: string };
  if (code && REFUSALS.has(code)) {
    const said = NO_INTERVAL.test(code)
      ? "Intervals are written '6 hours' or '30 minutes'."
      : hint && optionWords(hint);
    return ERRORS.ALERT_SETTING_INVALID(optionWords(message ?? code), {
      cause: error,
      ...(said ? { hint: said } : {}),
    });
  }
  return databaseError(error);
}

function invalid(problems: string[]): HoldfastError {
  return ERRORS.CONFIG_INVALID(problems.join('; '), {
    details: { problems },
    hint: 'Correct what is named above; nothing was changed. --help shows examples.',
  });
}
