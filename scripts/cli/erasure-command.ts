import { Command } from 'commander';

export interface RawErasureOptions {
  readonly user?: string;
  readonly resume?: string;
  readonly certificate?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly reason?: string;
  readonly ledger?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const HELP = `
Without --yes only the plan is shown. On a terminal you are asked to type the user's id before anything is erased.
There is no time to think again: what --yes starts is done at once, and cannot be undone.

Environment:
  DATABASE_URL                  the project's database, as role postgres
  SUPABASE_URL                  the project's URL: files and the account are deleted through its APIs
  SUPABASE_SERVICE_ROLE_KEY     its service key
  BACKUP_S3_ENDPOINT _REGION _BUCKET _PREFIX _ACCESS_KEY_ID _SECRET_ACCESS_KEY
                                the bucket of the backups: the erasure ledger is kept beside them; not needed with --ledger
  BACKUP_SIGNING_KEY            signs the ledger and the certificate, or BACKUP_SIGNING_KEY_FILE with its path
  BACKUP_SIGNING_KEY_PASSPHRASE its passphrase

Examples:
  erase-subject.ts --user 5eed0000-0000-4000-a000-000000000001                       the plan
  erase-subject.ts --user 5eed0000-0000-4000-a000-000000000001 --yes --reason "ticket 4711"
  erase-subject.ts --resume 0b6c2c4e-7a53-4b6e-9f7b-2f1f0c1f6a11 --yes               goes on with one that was stopped
  erase-subject.ts --certificate 0b6c2c4e-7a53-4b6e-9f7b-2f1f0c1f6a11 --out certificate.html

Exit codes:
  0 done    1 failed    2 bad input, or something stands in the way    4 database, store or project not reachable
`;

/** The command line, without behaviour: `parse` throws CommanderError and writes nothing but --help. */
export function erasureCommand(write: (text: string) => void): Command {
  return new Command('erase-subject')
    .description("Erases one user's account and personal data, by the map in backup.subject_source.")
    .option('--user <id>', 'the id of the user in auth.users')
    .option('--resume <erasure>', 'go on with an erasure that was confirmed and has not ended')
    .option('--certificate <erasure>', 'show the certificate of an erasure that has ended')
    .option('--dry-run', 'show the plan and stop (the default)')
    .option('--yes', 'erase')
    .option('--reason <text>', 'for the record: why')
    .option('--ledger <directory>', 'keep the erasure ledger in a directory of backups instead of the bucket')
    .option('--out <file>', 'write the certificate to a .json or .html file')
    .option('--json', 'print one JSON object and nothing else')
    .option('--verbose', 'show causes and stacks of errors')
    .addHelpText('after', HELP)
    .helpOption('--help', 'show this help')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => {} });
}
