import { Command } from 'commander';

/** The options as they were typed. */
export interface RawDrillOptions {
  readonly weekly?: boolean;
  readonly monthly?: boolean;
  readonly backup?: string;
  readonly from?: string;
  readonly privateKeyFile?: string;
  readonly verifyKeyFile?: string;
  readonly erasures?: string;
  readonly allowDamagedErasures?: boolean;
  readonly jobs?: string;
  readonly report?: string[];
  readonly record?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const HELP = `
What a drill does:
  takes the backup from the store, checks every object of it, starts a PostgreSQL of its major version on this machine,
  restores into it, checks what came back (rows, contents, foreign keys, sequences, indexes, row level security, functions,
  your own checks in backup.drill_check), erases again whoever was erased since, throws the database away, and records the result in backup_tests.

Environment:
  BACKUP_PGP_PRIVATE_KEYS       armored private keys, or BACKUP_PGP_PRIVATE_KEYS_FILE with their path
  BACKUP_PGP_PASSPHRASE         their passphrase; without it a terminal asks
  BACKUP_VERIFY_KEYS            armored public keys that must have signed the manifest, or BACKUP_VERIFY_KEYS_FILE
  BACKUP_S3_ENDPOINT _REGION _BUCKET _PREFIX _ACCESS_KEY_ID _SECRET_ACCESS_KEY
                                the bucket to read from; not needed with --from or a local backup
  DATABASE_URL                  where the result is recorded (backup_tests); without it the report is all there is

Examples:
  test-backup-restore.ts --weekly                        the newest weekly backup
  test-backup-restore.ts --monthly --report drill.html   a monthly backup, picked at random
  test-backup-restore.ts --backup latest --json | jq .verdict
  test-backup-restore.ts --backup backup-2026-01-14.tar.gz --no-record

Exit codes:
  0 passed    1 a check failed, or the restore did    2 bad input    3 inconclusive (the report says what)
  4 database or store not reachable    5 the backup is damaged, or no key opens it    130 interrupted
`;

/** The command line, without behaviour: `parse` throws CommanderError and writes nothing but --help. */
export function drillCommand(write: (text: string) => void): Command {
  return new Command('test-backup-restore')
    .description('Restores a backup into a throw-away PostgreSQL and checks that it behaves like the source.')
    .option('--weekly', 'the newest weekly backup of the store')
    .option('--monthly', 'a monthly backup of the store, picked at random')
    .option('--backup <backup>', 'this one: latest, a backup id, a folder, or a file.tar.gz')
    .option('--from <directory>', 'read from a directory of backups instead of the bucket')
    .option('--private-key-file <path>', 'armored private keys that open the backup')
    .option('--verify-key-file <path>', "armored public keys that the manifest's signature is checked with")
    .option('--jobs <number>', 'tables loaded at the same time, 1 to 16 (default: 2)')
    .option(
      '--erasures <directory>',
      'erasure ledger to apply, or none (default: that of the place the backup came from)',
    )
    .option('--allow-damaged-erasures', 'go on without entries of the erasure ledger that are damaged')
    .option('--report <file>', 'write the report to a .json, .md or .html file; repeatable', collect)
    .option('--no-record', 'do not record the drill, even where DATABASE_URL is set')
    .option('--json', 'print one JSON object and nothing else')
    .option('--verbose', 'show causes and stacks of errors')
    .addHelpText('after', HELP)
    .helpOption('--help', 'show this help')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => {} });
}

function collect(value: string, all: string[] = []): string[] {
  return [...all, value];
}
