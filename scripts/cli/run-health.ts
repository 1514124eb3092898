/** The health command from its arguments to its exit code. The entry file gives it the process's own streams and environment. */
import type { Sql } from 'postgres';
import type { Environment } from '../../supabase/functions/_shared/config.ts';
import { databaseError } from '../../supabase/functions/_shared/errors/database-error.ts';
import { ERRORS, HoldfastError } from '../../supabase/functions/_shared/errors.ts';
import type { HealthReport } from '../../supabase/functions/_shared/monitor/contracts.ts';
import { chooseChecks, makeReport } from '../../supabase/functions/_shared/monitor/make-report.ts';
import { healthReportJson } from '../../supabase/functions/_shared/monitor/report-json.ts';
import { nodePlatform } from '../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../supabase/functions/_shared/postgres/open-driver.ts';
import { databaseUrlProblems } from './database-url-problems.ts';
import { healthCommand, type RawHealthOptions } from './health-command.ts';
import { healthTable } from './health-table.ts';
import { parseArguments } from './parse-arguments.ts';
import { readHealthKeys } from './read-health-keys.ts';
import { reportFailure } from './report-failure.ts';
import { line, type Terminal } from './terminal.ts';

export interface HealthProcess {
  readonly args: readonly string[];
  readonly environment: Environment;
  readonly terminal: Terminal;
}

/** What monitoring plugins answer. */
const PLUGIN = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const;

/** Never throws: what goes wrong is reported, and is unknown to whoever monitors. */
export async function runHealth({ args, environment, terminal }: HealthProcess): Promise<number> {
  const json = args.includes('--json');
  try {
    const command = parseArguments(
      healthCommand((text) => terminal.stdout.write(text)),
      args,
      invalid,
    );
    if (command === null) return PLUGIN.ok;
    const report = await evaluate(command.opts<RawHealthOptions>(), environment);
    if (json) line(terminal.stdout, JSON.stringify(healthReportJson(report)));
    else for (const text of healthTable(report)) line(terminal.stdout, text);
    return pluginCode(report);
  } catch (error) {
    const known = error instanceof HoldfastError ? error : databaseError(error);
    reportFailure(known, terminal, { json, verbose: args.includes('--verbose') });
    return PLUGIN.unknown;
  }
}

async function evaluate({ check }: RawHealthOptions, environment: Environment): Promise<HealthReport> {
  chooseChecks(check); // an unknown name is found before anything is opened
  const url = environment('DATABASE_URL')?.trim() ?? '';
  const problems = url === '' ? ['DATABASE_URL must be set'] : databaseUrlProblems(url, 'DATABASE_URL');
  const publicKeys = await readHealthKeys(environment, problems);
  if (problems.length > 0) throw invalid(problems);
  const options = { max: 1, applicationName: 'holdfast health', platform: nodePlatform };
  const sql = openDriver(url, options) as unknown as Sql;
  try {
    return await makeReport({ sql, publicKeys, only: check, outside: true });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** What is bad counts more than what is not known. */
function pluginCode({ state, severity }: HealthReport): number {
  if (state === 'unhealthy') return severity === 'critical' ? PLUGIN.critical : PLUGIN.warning;
  return state === 'healthy' ? PLUGIN.ok : PLUGIN.unknown;
}

function invalid(problems: string[]): HoldfastError {
  return ERRORS.CONFIG_INVALID(problems.join('; '), {
    details: { problems },
    hint: 'Correct what is named above; nothing was evaluated. --help shows examples.',
  });
}
