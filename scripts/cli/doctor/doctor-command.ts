import { Command, Option } from 'commander';
import { EXAMINATIONS } from './examinations.ts';

/** The options as they were typed. */
export interface RawDoctorOptions {
  readonly only?: string[];
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const HELP = `
Environment:
  DATABASE_URL                  the project's database, as role postgres
  SUPABASE_SERVICE_ROLE_KEY     lets the doctor ask the functions about their own secrets
  BACKUP_…                      what the functions have as secrets, to be examined from here

Examples:
  npm run doctor
  npm run doctor -- --only store --only keys
  npm run doctor -- --json | jq '.findings[] | select(.state == "problem") | .mend'

Exit codes:
  0 nothing is wrong (warnings may be)    1 something is, and how to mend it was said    2 bad input
`;

/** The command line, without behaviour: `parse` throws CommanderError and writes nothing but --help. */
export function doctorCommand(write: (text: string) => void): Command {
  const names = EXAMINATIONS.map(({ name }) => name);
  const only = new Option('--only <examination>', 'only this one; may be repeated')
    .choices(names)
    .argParser((value: string, before: string[] | undefined) => [...(before ?? []), checked(value, names)]);
  return new Command('doctor')
    .description(
      'Examines a whole installation from here, and says how to mend what is wrong. Changes nothing but one probe object in the store, which it deletes.',
    )
    .helpOption('--help', 'show this help')
    .addOption(only)
    .option('--json', 'print one JSON object and nothing else')
    .option('--verbose', 'show causes and stacks of errors')
    .addHelpText('after', HELP)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => {} });
}

function checked(value: string, names: readonly string[]): string {
  if (names.includes(value)) return value;
  throw new UnknownExamination(`--only must be one of ${names.join(', ')}: got '${value}'`);
}

/** Becomes CONFIG_INVALID in run-doctor.ts. */
export class UnknownExamination extends Error {}
