import { Command } from 'commander';

/** The options as they were typed; activate-setup.ts checks them, all at once. */
export interface RawActivateOptions {
  readonly target?: string;
  readonly report?: string;
  readonly only?: string[];
  readonly list?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const HELP = `
Environment:
  RESTORE_TARGET_URL    the target, instead of --target: other users of this machine can read command lines

Examples:
  activate.ts --report restore.json --list                       what a restore held back, and why
  activate.ts --report restore.json --target postgres://… --dry-run    the SQL that would run
  activate.ts --report restore.json --only cron-job:nightly-cleanup --only trigger:public.orders.notify
  activate.ts --report restore.json --yes

The SQL comes from the report: give it only a report that your own restore wrote. Every item is a transaction of its
own; what is on already stays on, so the command may be run again.

Exit codes:
  0 all of it is on    1 something could not be turned on    2 bad input    4 database not reachable    130 interrupted
`;

/** The command line, without behaviour: `parse` throws CommanderError and writes nothing but --help. */
export function activateCommand(write: (text: string) => void): Command {
  return new Command('activate')
    .description('Turns on what a restore held back: cron jobs, webhook triggers, publications, subscriptions.')
    .option('--report <file>', 'the JSON report of the restore')
    .option('--target <url>', 'the restored database: postgres://user:password@host:5432/database')
    .option('--only <kind:name>', 'only this item, as --list shows it; repeatable', collect)
    .option('--list', 'show what was held back and stop')
    .option('--dry-run', 'show the SQL that would run and stop')
    .option('--yes', 'do not ask')
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
