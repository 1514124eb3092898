import { Command, Option } from 'commander';

export interface AlertsRequest {
  readonly action: 'list' | 'problems' | 'test' | 'channel set' | 'channel remove' | 'rule set' | 'rule remove';
  /** A channel's or a rule's; null for the lists. */
  readonly name: string | null;
  /** As typed; list-like options are lists already. */
  readonly raw: Readonly<Record<string, unknown>>;
}

const HELP = `
Environment:
  DATABASE_URL                  the project's database, as role postgres

Examples:
  supabase secrets set ALERT_SLACK_URL=https://hooks.slack.com/services/...
  alerts.ts channel set slack --kind slack --secret-name ALERT_SLACK_URL
  alerts.ts channel set email --kind resend --secret-name ALERT_RESEND_KEY --setting from=backups@example.com --setting to=oncall@example.com
  alerts.ts channel set slack --fallback email
  alerts.ts test slack
  alerts.ts rule set problems --channels slack --repeat '6 hours' --quiet '22:00-07:00 Europe/Berlin'
  alerts.ts problems --json

Exit codes:
  0 done    1 failed, or the test message was not delivered    2 bad input or configuration    4 database not reachable
docs/alerts.md explains channels, rules and what each setting does.
`;

/** The command line, without behaviour: `parse` throws CommanderError and writes nothing but --help. */
export function alertsCommand(write: (text: string) => void, onRequest: (request: AlertsRequest) => void): Command {
  const prepare = (command: Command) =>
    command
      .helpCommand(false)
      .helpOption('--help', 'show this help')
      .exitOverride()
      .configureOutput({ writeOut: write, writeErr: () => {} });
  const leaf = (parent: Command, usage: string, action: AlertsRequest['action'], help: string) =>
    prepare(parent.command(usage))
      .description(help)
      .option('--json', 'print one JSON object and nothing else')
      .option('--verbose', 'show causes and stacks of errors')
      .action(function (this: Command) {
        onRequest({ action, name: this.args[0] ?? null, raw: this.opts() });
      });
  const program = prepare(new Command('alerts'))
    .description('Who hears of problems with backups: channels, rules, open problems, deliveries.')
    .addHelpText('after', HELP);
  leaf(program, 'list', 'list', 'channels, rules, open problems and the newest deliveries').option(
    '--deliveries <number>',
    'how many deliveries (default 10)',
  );
  leaf(program, 'problems', 'problems', 'open problems').option(
    '--resolved <days>',
    'those that were resolved in so many days too',
  );
  leaf(
    program,
    'test <channel>',
    'test',
    'sends a test message the way every alert goes, and waits for the outcome',
  ).option('--wait <seconds>', 'how long to wait (default 90)');
  addChannel(prepare(program.command('channel').description('makes, changes and removes channels')), leaf);
  addRule(prepare(program.command('rule').description('makes, changes and removes rules')), leaf);
  return program;
}

type Leaf = (parent: Command, usage: string, action: AlertsRequest['action'], help: string) => Command;

function addChannel(channel: Command, leaf: Leaf): void {
  leaf(channel, 'set <name>', 'channel set', 'makes a channel, or changes what is given and leaves the rest')
    .option('--kind <kind>', 'slack, discord, teams, resend, sendgrid, mailgun, pagerduty, webhook or ping')
    .option('--secret-name <NAME>', 'the function secret with the address or key: ALERT_…')
    .option('--setting <key=value>', 'a setting; repeatable; several of to make a list; key= takes it away', collect)
    .option('--fallback <channel>', "who gets what this one cannot deliver; '' for nobody")
    .option('--enable', 'switch it on')
    .option('--disable', 'switch it off');
  leaf(channel, 'remove <name>', 'channel remove', 'removes a channel');
}

const SEVERITIES = ['info', 'warning', 'critical'];

function addRule(rule: Command, leaf: Leaf): void {
  leaf(rule, 'set <name>', 'rule set', 'makes a rule, or changes what is given and leaves the rest')
    .option('--types <list>', 'types or keys with *, comma-separated: backup_*,health:pg_cron', list)
    .addOption(new Option('--min-severity <severity>', 'the least').choices(SEVERITIES))
    .option('--channels <list>', 'comma-separated', list)
    .option('--repeat <interval>', "how often an open problem is told again: '6 hours'; 0 for never")
    .option('--quiet <hours>', "'22:00-07:00 Europe/Berlin', or none")
    .addOption(
      new Option('--quiet-breaks <severity>', 'from which severity quiet hours do not count').choices([
        ...SEVERITIES,
        'none',
      ]),
    )
    .option('--escalate-after <interval>', "'2 hours'; 0 for never")
    .option('--escalate-to <list>', 'channels, comma-separated', list)
    .option('--min-occurrences <number>', 'so many times in a row before it is told')
    .option('--resolved', 'tell when it is over')
    .option('--no-resolved', 'do not')
    .option('--enable', 'switch it on')
    .option('--disable', 'switch it off');
  leaf(rule, 'remove <name>', 'rule remove', 'removes a rule');
}

function collect(value: string, all: string[] = []): string[] {
  return [...all, value];
}

function list(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
