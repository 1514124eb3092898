import { Command } from 'commander';

/** The options as they were typed; schedule-options.ts checks those that the database does not. */
export interface RawScheduleOptions {
  readonly cron?: string;
  readonly enable?: boolean;
  readonly disable?: boolean;
  readonly scope?: string;
  readonly tables?: string;
  readonly retention?: string;
  readonly codec?: string;
  readonly format?: string;
  readonly stores?: string;
  readonly rpo?: string;
  readonly rto?: string;
  readonly category?: string;
  readonly grace?: string;
  readonly deepVerification?: boolean;
  readonly work?: string;
  readonly cadence?: string;
  readonly dryRun?: boolean;
  readonly until?: string;
  readonly count?: string;
  readonly from?: string;
  readonly reason?: string;
  readonly schedules?: string;
  readonly end?: string;
}

export const SCHEDULE_SUBCOMMANDS = ['list', 'set', 'pause', 'resume', 'next', 'maintenance'] as const;

export interface ScheduleRequest {
  readonly subcommand: (typeof SCHEDULE_SUBCOMMANDS)[number];
  /** Which schedule; null for those of `list`, `maintenance` and of `next` without a name. */
  readonly schedule: string | null;
  readonly raw: RawScheduleOptions;
}

const HELP = `
Environment:
  DATABASE_URL                  the project's database, as role postgres

Examples:
  schedule.ts list
  schedule.ts set daily-full --cron '30 1 * * *' --dry-run      what would change, and the next times
  schedule.ts set monthly-full --enable --retention '1 year'
  schedule.ts set evening-tables --work backup --cadence daily --cron '0 20 * * mon-fri' \\
    --scope tables --tables public.bookings,public.users         makes a new one
  schedule.ts next                                              the next times of all schedules
  schedule.ts next daily-full --count 10 --json
  schedule.ts pause daily-full --until 2026-02-01               its times until then are skipped
  schedule.ts resume daily-full
  schedule.ts maintenance                                       windows that are open or to come
  schedule.ts maintenance --from 2026-01-14T22:00Z --until 2026-01-15T02:00Z --reason upgrade
  schedule.ts maintenance --end 3                               ends window 3 now

Times are UTC unless they say their zone. Cron expressions have five fields, in UTC:
minute hour day-of-month month day-of-week; $ is the last day of a month.

Exit codes:
  0 done    1 failed    2 bad input or configuration    4 database not reachable
`;

/** The command line, without behaviour: `parse` throws CommanderError and writes nothing but --help. */
export function scheduleCommand(write: (text: string) => void, onRequest: (request: ScheduleRequest) => void): Command {
  const prepare = (command: Command) =>
    command
      .helpOption('--help', 'show this help')
      .exitOverride()
      .configureOutput({ writeOut: write, writeErr: () => {} });
  const program = prepare(new Command('schedule'))
    .description('When backups and drills begin.')
    .helpCommand(false)
    .addHelpText('after', HELP);
  const add = (subcommand: ScheduleRequest['subcommand'], help: string) =>
    prepare(program.command(subcommand))
      .description(help)
      .option('--json', 'print one JSON object and nothing else')
      .option('--verbose', 'show causes and stacks of errors')
      .action(function (this: Command) {
        onRequest({ subcommand, schedule: this.args[0] ?? null, raw: this.opts() });
      });
  add('list', 'lists the schedules, their next time and what became of the last');
  addSetOptions(
    add('set', 'changes a schedule, or makes one with --work, --cadence and --cron').argument('<schedule>'),
  );
  add('pause', 'skips the times of a schedule')
    .argument('<schedule>')
    .option('--until <time>', 'resume by itself then; without it, until resume');
  add('resume', 'ends a pause; what came due meanwhile stays skipped').argument('<schedule>');
  add('next', 'the next times, with what will hold them')
    .argument('[schedule]')
    .option('--count <number>', 'how many (default 5)');
  add('maintenance', 'shows, opens and ends windows in which nothing begins; what came due is made up afterwards')
    .option('--from <time>', 'opens a window that begins then (default now)')
    .option('--until <time>', 'opens a window that ends then')
    .option('--reason <text>', 'why; shown where backups wait')
    .option('--schedules <names>', 'hold only these, separated by commas (default all)')
    .option('--end <id>', 'ends a window now, or removes one that has not begun');
  return program;
}

function addSetOptions(command: Command): void {
  command
    .option('--cron <expression>', 'when, in UTC')
    .option('--enable', 'turn it on')
    .option('--disable', 'turn it off')
    .option('--scope <scope>', 'full, critical or tables')
    .option('--tables <names>', 'with --scope tables, separated by commas')
    .option('--retention <interval>', "how long its backups are kept, such as '30 days', or forever")
    .option('--codec <codec>', 'zstd, gzip or none')
    .option('--format <format>', 'copy, json or csv')
    .option('--stores <names>', 'separated by commas')
    .option('--rpo <interval>', "the recovery point objective, such as '24 hours'")
    .option('--rto <interval>', 'the recovery time objective')
    .option('--category <text>', 'the kind of data whose objectives these are')
    .option('--grace <interval>', 'how late it may still begin')
    .option('--deep-verification', 'read every stored byte before a backup counts')
    .option('--no-deep-verification', 'a quick verification is enough')
    .option('--work <work>', 'of a new schedule: backup or drill')
    .option('--cadence <cadence>', 'hourly, daily, weekly, monthly, yearly …')
    .option('--dry-run', 'say what would change and stop');
}
