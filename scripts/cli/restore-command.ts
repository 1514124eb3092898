import { Command } from 'commander';
import { collectNames } from './collect-names.ts';

/** The options as they were typed; restore-options.ts checks them, all at once. */
export interface RawRestoreOptions {
  /** The argument: which backup. */
  readonly backup?: string;
  readonly target?: string;
  readonly from?: string;
  readonly tables?: string[];
  readonly schema?: string[];
  readonly renameSchema?: string;
  readonly dataOnly?: boolean;
  readonly schemaOnly?: boolean;
  readonly onConflict?: string;
  readonly jobs?: string;
  readonly activate?: boolean;
  readonly privateKeyFile?: string;
  readonly verifyKeyFile?: string;
  readonly erasures?: string;
  readonly allowDamagedErasures?: boolean;
  readonly report?: string[];
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const HELP = `
Backup:
  latest                        the newest complete backup of the store
  <backup_id>                   as in weekly_20260111_020000_9f3c11ab
  <folder>                      in the store, or one of this machine that has a manifest.json
  <file>.tar.gz                 a local archive

Environment:
  RESTORE_TARGET_URL            the target, instead of --target: other users of this machine can read command lines
  BACKUP_PGP_PRIVATE_KEYS       armored private keys, or BACKUP_PGP_PRIVATE_KEYS_FILE with their path; any that fits is used
  BACKUP_PGP_PASSPHRASE         their passphrase; without it a terminal asks
  BACKUP_VERIFY_KEYS            armored public keys that must have signed the manifest, or BACKUP_VERIFY_KEYS_FILE
  BACKUP_S3_ENDPOINT _REGION _BUCKET _PREFIX _ACCESS_KEY_ID _SECRET_ACCESS_KEY
                                the bucket to read from; not needed with --from or a local backup

Examples:
  restore.ts latest --dry-run                                     what would be done, and how long it would take
  restore.ts latest --target postgres://postgres@localhost/restored
  restore.ts daily_20260114_020000_9f3c11ab --tables bookings --rename-schema public:rescued
  restore.ts latest --from ./backups --private-key-file key.asc --report restore.json --report restore.html
  restore.ts latest --tables bookings,booking_payments --data-only --on-conflict replace
  restore.ts backup-2026-01-14.tar.gz --schema public --jobs 8

People who were erased after the backup was made are erased again before the restore ends. For a folder or an archive
away from its store, give a copy of the store's erasures folder with --erasures.

What acts by itself (cron jobs, webhooks, publications, subscriptions) stays off unless --activate is given;
activate.ts turns it on item by item, from the report.

Exit codes:
  0 completed    1 failed    2 bad input, or a target that does not fit    3 completed with limits (named in the report)
  4 database or store not reachable    5 the backup is damaged, or no key opens it    130 interrupted
`;

/** The command line, without behaviour: `parse` throws CommanderError and writes nothing but --help. */
export function restoreCommand(write: (text: string) => void): Command {
  return new Command('restore')
    .description('Restores a backup into a PostgreSQL database (15 to 17) or a Supabase project.')
    .argument('[backup]', 'latest, a backup id, a folder, or a file.tar.gz')
    .option('--target <url>', 'database to restore into: postgres://user:password@host:5432/database')
    .option('--from <directory>', 'read from a directory of backups instead of the bucket')
    .option(
      '--tables <names>',
      'only these tables, separated by commas; a partitioned one with all its parts; repeatable',
      collectNames,
    )
    .option('--schema <names>', 'only these schemas, separated by commas; repeatable', collectNames)
    .option('--rename-schema <old:new>', 'restore what is in one schema into another')
    .option('--data-only', 'rows only, into tables that exist')
    .option('--schema-only', 'tables, functions and policies without rows')
    .option('--on-conflict <rule>', 'tables that exist in the target: fail (the default), skip or replace')
    .option('--jobs <number>', 'tables loaded at the same time, 1 to 16 (default: 2)')
    .option('--activate', 'turn cron jobs, webhooks, publications and subscriptions on at once')
    .option('--private-key-file <path>', 'armored private keys that open the backup')
    .option('--verify-key-file <path>', "armored public keys that the manifest's signature is checked with")
    .option(
      '--erasures <directory>',
      'erasure ledger to apply, or none (default: that of the place the backup came from)',
    )
    .option('--allow-damaged-erasures', 'go on without entries of the erasure ledger that are damaged')
    .option('--report <file>', 'write the report to a .json, .md or .html file; repeatable', collect)
    .option('--dry-run', 'check everything, show the plan and stop')
    .option('--yes', 'do not ask before tables are replaced')
    .option('--json', 'print one JSON object and nothing else')
    .option('--verbose', "show the server's notices, and causes and stacks of errors")
    .addHelpText('after', HELP)
    .helpOption('--help', 'show this help')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => {} });
}

function collect(value: string, all: string[] = []): string[] {
  return [...all, value];
}
