import { Command } from 'commander';

/** The options as they were typed. */
export interface RawHealthOptions {
  readonly check?: string[];
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const HELP = `
Environment:
  DATABASE_URL                  the project's database, as role postgres
  BACKUP_PGP_PUBLIC_KEYS        the keys that the functions encrypt to, or BACKUP_PGP_PUBLIC_KEYS_FILE with their path;
                                without them the check key_expiry is inconclusive

Examples:
  health.ts                                     every check, what is bad first
  health.ts --json | jq '.checks[] | select(.state == "unhealthy") | {name, detail, todo}'
  health.ts --check last_backup --check integrity
  define command: npx tsx scripts/health.ts --check last_backup        as a Nagios or Icinga plugin

Exit codes, as monitoring plugins have them:
  0 healthy    1 warning    2 critical    3 unknown: a check is inconclusive, or the database or the input is at fault
The thresholds are rows of backup.health_threshold; docs/health.md explains each.
`;

/** The command line, without behaviour: `parse` throws CommanderError and writes nothing but --help. */
export function healthCommand(write: (text: string) => void): Command {
  return new Command('health')
    .description('Evaluates the health checks now and says what to do about what is wrong.')
    .option('--check <name>', 'only this check; repeatable', collect)
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
