import { Command } from 'commander';

/** The options as they were typed; catalogue-options.ts checks them, all at once. */
export interface RawCatalogueOptions {
  readonly from?: string;
  readonly cadence?: string;
  readonly since?: string;
  readonly limit?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

export interface CatalogueRequest {
  readonly subcommand: 'list' | 'show' | 'rebuild';
  /** Which backup; only with `show`. */
  readonly backup: string | null;
  readonly raw: RawCatalogueOptions;
}

const HELP = `
Environment:
  BACKUP_S3_ENDPOINT _REGION _BUCKET _PREFIX _ACCESS_KEY_ID _SECRET_ACCESS_KEY
                                the bucket with the backups; not needed with --from
  DATABASE_URL                  the project's database, as role postgres; only for rebuild

Examples:
  catalogue.ts list --cadence daily --since 2026-01-01 --limit 10
  catalogue.ts list --from ./backups --json
  catalogue.ts show daily_20260114_020000_9f3c11ab
  catalogue.ts rebuild --dry-run                what the ledger lacks
  catalogue.ts rebuild                          adds it; rows that are there stay as they are

Exit codes:
  0 done    1 failed    2 bad input or configuration    3 done, but some manifests are damaged (named in the output)
  4 database or store not reachable    5 the manifest of the one backup that was asked for is damaged
`;

/** The command line, without behaviour: `parse` throws CommanderError and writes nothing but --help. */
export function catalogueCommand(
  write: (text: string) => void,
  onRequest: (request: CatalogueRequest) => void,
): Command {
  const prepare = (command: Command) =>
    command
      .helpOption('--help', 'show this help')
      .exitOverride()
      .configureOutput({ writeOut: write, writeErr: () => {} });
  const program = prepare(new Command('catalogue'))
    .description('What backups a store has, from their manifests alone; no ledger is needed.')
    .helpCommand(false)
    .addHelpText('after', HELP);
  const add = (subcommand: CatalogueRequest['subcommand'], help: string) =>
    prepare(program.command(subcommand))
      .description(help)
      .option('--from <directory>', 'read a directory of backups instead of the bucket')
      .option('--json', 'print one JSON object and nothing else')
      .option('--verbose', 'show causes and stacks of errors')
      .action(function (this: Command) {
        onRequest({ subcommand, backup: this.args[0] ?? null, raw: this.opts() });
      });
  add('list', 'lists backups, newest first')
    .option('--cadence <name>', 'only those of one cadence: daily, weekly, manual …')
    .option('--since <time>', 'only those that began then or later: 2026-01-14 or 2026-01-14T02:00:00Z (UTC)')
    .option('--limit <number>', 'at most so many');
  add('show', 'shows what the manifest of one backup says').argument(
    '<backup>',
    "a backup's id, its folder in the store, or latest",
  );
  add('rebuild', "adds the rows that the project's ledger lacks").option(
    '--dry-run',
    'say what would be added and stop',
  );
  return program;
}
