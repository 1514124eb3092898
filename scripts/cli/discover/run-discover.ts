/** The command from its arguments to its exit code. The entry file gives it the process's own streams and environment. */
import { applyProposals } from '../../../supabase/functions/_shared/account/discover/apply-proposals.ts';
import {
  type Discovery,
  discoverSubjects,
} from '../../../supabase/functions/_shared/account/discover/discover-subjects.ts';
import { EnvironmentReader } from '../../../supabase/functions/_shared/config/environment-reader.ts';
import type { Environment } from '../../../supabase/functions/_shared/config.ts';
import type { SubjectTable } from '../../../supabase/functions/_shared/domain/subject-types.ts';
import { catalogueError } from '../../../supabase/functions/_shared/errors/driver-error.ts';
import { ERRORS } from '../../../supabase/functions/_shared/errors.ts';
import { openDriver } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { databaseUrlProblems } from '../database-url-problems.ts';
import { EXIT } from '../exit-code.ts';
import { parseArguments } from '../parse-arguments.ts';
import { reportFailure } from '../report-failure.ts';
import type { ExportProcess as DiscoverProcess } from '../run-export.ts';
import { line } from '../terminal.ts';
import { discoverCommand, type RawDiscoverOptions } from './discover-command.ts';
import { type DiscoveryOutcome, showDiscovery } from './discover-report.ts';

/** Never throws: what goes wrong is reported and becomes the exit code. */
export async function runDiscover({ args, environment, terminal }: DiscoverProcess): Promise<number> {
  const json = args.includes('--json');
  try {
    const options = parseArguments(
      discoverCommand((text) => terminal.stdout.write(text)),
      args,
      invalid,
    );
    if (options === null) return EXIT.ok;
    const outcome = await discover(databaseUrl(environment), options.opts<RawDiscoverOptions>().apply === true);
    if (json) line(terminal.stdout, JSON.stringify(jsonOf(outcome)));
    else showDiscovery(outcome, terminal);
    return outcome.open.length > 0 ? EXIT.completedWithLimits : EXIT.ok;
  } catch (error) {
    return reportFailure(error, terminal, { json, verbose: args.includes('--verbose') });
  }
}

function databaseUrl(environment: Environment): string {
  const reader = new EnvironmentReader(environment);
  const url = reader.done({ url: reader.required('DATABASE_URL') }).url.reveal();
  const problems = databaseUrlProblems(url, 'DATABASE_URL');
  if (problems.length > 0) throw invalid(problems);
  return url;
}

async function discover(url: string, apply: boolean): Promise<DiscoveryOutcome> {
  const sql = openDriver(url, { applicationName: 'holdfast account:discover' });
  try {
    const found = await discoverSubjects(sql);
    if (!apply) return { found, written: null, open: openTables(found) };
    const written = await applyProposals(sql, found.proposals);
    return { found, written, open: openTables(await discoverSubjects(sql)) };
  } catch (error) {
    throw catalogueError(error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Tables about which there is a hint and no decision. */
function openTables({ unmapped, undecided, proposals }: Discovery): SubjectTable[] {
  const tables = [...unmapped, ...undecided, ...proposals];
  return [...new Map(tables.map(({ schema, table }) => [JSON.stringify([schema, table]), { schema, table }])).values()];
}

function jsonOf({ found, written, open }: DiscoveryOutcome) {
  const { nothingFound, ...rest } = found;
  return { ...rest, nothing_found: nothingFound, written, open };
}

function invalid(problems: string[]) {
  return ERRORS.CONFIG_INVALID(problems.join('; '), {
    details: { problems },
    hint: 'Correct what is named above; nothing was changed. --help shows examples.',
  });
}
