import { Command } from 'commander';
import { collectNames } from './collect-names.ts';
import { EXPORT_MODES } from './export-modes.ts';

/** The options as they were typed; export-options.ts checks them, all at once. */
export interface RawExportOptions {
  readonly mode?: string;
  readonly label?: string;
  readonly reason?: string;
  readonly tables?: string[];
  readonly where?: string[];
  readonly format?: string;
  readonly codec?: string;
  readonly encrypt?: boolean;
  readonly notify?: string;
  readonly out?: string;
  /** True without a directory: the current one. */
  readonly archive?: string | true;
  readonly jobs?: string;
  readonly verify?: string;
  readonly dryRun?: boolean;
  readonly cleanUnfinished?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const MODES_HELP = Object.entries(EXPORT_MODES)
  .map(([name, { help }]) => `  ${name.padEnd(15)} ${help}`)
  .join('\n');

const HELP = `
Modes:
${MODES_HELP}

Environment:
  DATABASE_URL                  postgres://user:password@host:5432/database (a direct connection or a session pooler)
  BACKUP_PGP_PUBLIC_KEYS        armored public keys, or BACKUP_PGP_PUBLIC_KEYS_FILE with their path
  BACKUP_S3_ENDPOINT _REGION _BUCKET _PREFIX _ACCESS_KEY_ID _SECRET_ACCESS_KEY
                                the bucket to write to; not needed with --out, not allowed with --archive
  BACKUP_SIGNING_KEY            armored private key that signs the manifest, or BACKUP_SIGNING_KEY_FILE

Examples:
  export-critical-data.ts --mode weekly
  export-critical-data.ts --mode full --encrypt --out ./backups
  export-critical-data.ts --mode pre-deployment --label feature-xyz
  export-critical-data.ts --mode on-demand --tables bookings,calendars --where 'bookings.created_at>=2026-01-01' --format json
  export-critical-data.ts --mode emergency --notify https://hooks.example.com/backup
  export-critical-data.ts --mode full --format sql --out .      restore: gpg -d database.sql.zst.pgp | zstd -dc | psql
  export-critical-data.ts --mode full --archive ./backups --no-encrypt       then: tar xzf backup-2026-01-14.tar.gz
  export-critical-data.ts --clean-unfinished                    show what interrupted exports left behind

Exit codes:
  0 completed    1 failed    2 bad input or configuration    3 completed with limits (named in the report)
  4 database or store not reachable    5 the stored bytes are not those written    130 interrupted
`;

/** The command line, without behaviour: `parseAsync` throws CommanderError and writes nothing but --help. */
export function exportCommand(write: (text: string) => void): Command {
  return new Command('export-critical-data')
    .description('Exports a PostgreSQL database (15 to 17), consistent and encrypted, to a bucket or a directory.')
    .option('--mode <mode>', `what to export: ${Object.keys(EXPORT_MODES).join(', ')}`)
    .option('--label <label>', 'names the backup, as in feature-xyz; needed by pre-deployment')
    .option('--reason <text>', 'why the backup is made; kept in the manifest')
    .option('--tables <names>', 'tables to export, separated by commas; repeatable', collectNames)
    .option('--where <condition>', "rows to export: 'table.column>=value'; repeatable, joined with AND", collect)
    .option('--format <format>', 'copy (the default; json with --archive), json, csv, or sql (one file for psql)')
    .option('--codec <codec>', 'zstd, gzip or none (default: zstd; gzip for json; none in a readable --archive)')
    .option('--encrypt', 'encrypt to the public keys (the default)')
    .option('--no-encrypt', 'leave the backup readable by everyone who can read the store')
    .option('--notify <url>', 'POST a JSON summary to this https:// address at the end')
    .option('--out <directory>', 'write to a directory instead of the bucket')
    .option('--archive [directory]', 'write one file, backup-<date>.tar.gz, with JSON per table (default directory: .)')
    .option('--jobs <number>', 'tables copied at the same time, 1 to 16 (default: 3)')
    .option('--verify <kind>', 'quick (the default: existence, sizes, checksums of the store) or deep (every byte)')
    .option('--dry-run', 'show what would be exported and stop')
    .option(
      '--clean-unfinished',
      'show the folders that interrupted exports left (older than 24 hours); with --yes delete them',
    )
    .option('--yes', 'really delete what --clean-unfinished shows')
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
