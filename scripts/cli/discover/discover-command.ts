import { Command } from 'commander';

/** The options as they were typed. */
export interface RawDiscoverOptions {
  readonly apply?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const HELP = `
Environment:
  DATABASE_URL                  the project's database, as role postgres

Examples:
  npm run account:discover                      what it would map, and what it cannot decide
  npm run account:discover -- --apply           writes the proposals; decisions that are there stay as they are
  npm run account:discover -- --json | jq '.undecided[] | [.schema, .table, .why]'

What it cannot decide, decide in SQL: docs/personal-data.md, "Whose data is where".

Exit codes:
  0 every table with data of users is mapped or excluded    1 failed    2 bad input or configuration
  3 done, but tables remain that nobody decided about       4 database not reachable
`;

/** The command line, without behaviour: `parse` throws CommanderError and writes nothing but --help. */
export function discoverCommand(write: (text: string) => void): Command {
  return new Command('discover-subjects')
    .description(
      'Proposes which rows of which tables belong to a user, from foreign keys, policies and names. Writes nothing without --apply.',
    )
    .helpOption('--help', 'show this help')
    .option('--apply', 'write the proposals for tables without a decision')
    .option('--json', 'print one JSON object and nothing else')
    .option('--verbose', 'show causes and stacks of errors')
    .addHelpText('after', HELP)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => {} });
}
