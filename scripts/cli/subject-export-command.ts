import { Command } from 'commander';

export interface RawSubjectExportOptions {
  readonly user?: string;
  readonly out?: string;
  readonly format?: string;
  readonly lang?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const HELP = `
Environment:
  DATABASE_URL                  the project's database, as role postgres
  SUPABASE_URL                  the project's URL: files are read through its Storage API; not needed with --format json
  SUPABASE_SERVICE_ROLE_KEY     its service key

Examples:
  export-subject.ts --user 5eed0000-0000-4000-a000-000000000001
  export-subject.ts --user 5eed0000-0000-4000-a000-000000000001 --out ./answer.zip --lang de

The export is recorded in security_events_log, and not counted against the user's own.

Exit codes:
  0 done    1 failed    2 bad input or configuration    4 database or Storage not reachable
`;

/** The command line, without behaviour: `parse` throws CommanderError and writes nothing but --help. */
export function subjectExportCommand(write: (text: string) => void): Command {
  return new Command('export-subject')
    .description('Exports the personal data of one user to a file, with the same content as GET /account/export.')
    .option('--user <id>', 'the id of the user in auth.users')
    .option('--out <file>', 'where to write (default: personal-data-<user>.<format>); it must not exist')
    .option('--format <format>', 'zip (the default), or json: one document without the files')
    .option('--lang <language>', 'of index.html: en (the default), de')
    .option('--json', 'print one JSON object and nothing else')
    .option('--verbose', 'show causes and stacks of errors')
    .addHelpText('after', HELP)
    .helpOption('--help', 'show this help')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => {} });
}
