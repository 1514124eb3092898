import { EnvironmentReader } from '../../../supabase/functions/_shared/config/environment-reader.ts';
import { type ConfigProblem, parseStoreConfig } from '../../../supabase/functions/_shared/config.ts';
import { HoldfastError } from '../../../supabase/functions/_shared/errors.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import type { Examination, Patient } from './patient.ts';

const SECRETS = 'npx supabase secrets set NAME=value';

/** The variables of this shell, which should be those of the functions: each value by its rule. */
export const configuration: Examination = {
  name: 'configuration',
  title: 'Configuration',
  needs: 'nothing',
  examine: async ({ environment }) => [...store(environment), ...keys(environment)],
};

function store(environment: Patient['environment']): Finding[] {
  return tried(
    'store variables',
    'they name a bucket and how to sign for it',
    () => void parseStoreConfig(environment),
  );
}

function keys(environment: Patient['environment']): Finding[] {
  const found = tried('key variables', 'each is a complete armored key', () => {
    const reader = new EnvironmentReader(environment);
    reader.optional('BACKUP_SIGNING_KEY');
    reader.optional('BACKUP_VERIFY_KEYS');
    reader.done(reader.optional('BACKUP_PGP_PUBLIC_KEYS'));
  });
  return environment('BACKUP_PGP_PRIVATE_KEYS') === undefined ? found : [...found, privateKeyHere()];
}

/** The owner's choice for drills by function, but worth a word: it undoes what encryption to public keys gives. */
function privateKeyHere(): Finding {
  return warning(
    'private key',
    'BACKUP_PGP_PRIVATE_KEYS is set: whoever takes over the place where it is set reads every backup',
    'keep it only where you restore or drill; as a function secret only if drills by function are worth it to you',
  );
}

function tried(name: string, well: string, parse: () => void): Finding[] {
  try {
    parse();
    return [ok(name, well)];
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const problems = (error.details as { problems?: ConfigProblem[] }).problems ?? [];
    return problems.map(({ variable, rule, value }) =>
      problem(variable, value === null ? rule : `${rule}: got '${value}'`, SECRETS.replace('NAME', variable)),
    );
  }
}
