import type { Sql } from 'postgres';
import { EnvironmentReader } from '../../../supabase/functions/_shared/config/environment-reader.ts';
import type { Environment } from '../../../supabase/functions/_shared/config.ts';
import { catalogueError } from '../../../supabase/functions/_shared/errors/driver-error.ts';
import { HoldfastError } from '../../../supabase/functions/_shared/errors.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { type Finding, ok, problem, skipped } from './finding.ts';
import type { Examination, Patient } from './patient.ts';

const STATEMENT_TIMEOUT_MS = 30_000;

export interface Examined {
  readonly name: string;
  readonly title: string;
  readonly findings: readonly Finding[];
}

/** Looks at everything, whatever it finds on the way; `onExamined` hears of each as it ends. */
export async function runExaminations(
  environment: Environment,
  examinations: readonly Examination[],
  onExamined: (examined: Examined) => void,
): Promise<Examined[]> {
  const connection = await connect(environment);
  try {
    const all: Examined[] = [];
    const tell = (examined: Examined) => {
      all.push(examined);
      onExamined(examined);
    };
    tell({ name: 'connection', title: 'Connection', findings: [connection.finding] });
    const patient = await describe(environment, connection.sql);
    for (const one of examinations) {
      tell({ name: one.name, title: one.title, findings: await examineOne(one, patient) });
    }
    return all;
  } finally {
    await connection.sql?.end({ timeout: 5 });
  }
}

async function connect(environment: Environment): Promise<{ sql: Sql | null; finding: Finding }> {
  const mend = 'export DATABASE_URL=postgres://postgres:…@db.<project ref>.supabase.co:5432/postgres';
  let sql: Sql | null = null;
  try {
    const reader = new EnvironmentReader(environment);
    const name = reader.isSet('DATABASE_URL') ? 'DATABASE_URL' : 'SUPABASE_DB_URL';
    if (!reader.isSet(name))
      return { sql: null, finding: problem('database', 'neither DATABASE_URL nor SUPABASE_DB_URL is set', mend) };
    const url = reader.done({ url: reader.required(name) }).url.reveal();
    const options = { max: 1, applicationName: 'holdfast doctor', platform: nodePlatform };
    sql = openDriver(url, { ...options, statementTimeoutMs: STATEMENT_TIMEOUT_MS }) as unknown as Sql;
    await sql`select 1`;
    return { sql, finding: ok('database', `${name} leads to a database that answers`) };
  } catch (error) {
    await sql?.end({ timeout: 1 });
    const known = error instanceof HoldfastError ? error : catalogueError(error);
    return {
      sql: null,
      finding: problem('database', known.message, known.code === 'CONFIG_INVALID' ? mend : known.hint),
    };
  }
}

async function describe(environment: Environment, sql: Sql | null): Promise<Patient> {
  const url = environment('SUPABASE_URL')?.replace(/\/+$/, '');
  const fallback = url ? `${url}/functions/v1` : null;
  if (sql === null) return { environment, sql, installed: false, functionsUrl: fallback };
  const [row] = await sql`select to_regclass('backup.setting') is not null as installed`;
  if (!row!.installed) return { environment, sql, installed: false, functionsUrl: fallback };
  const [setting] = await sql`select value #>> '{}' as url from backup.setting where name = 'functions_url'`;
  return { environment, sql, installed: true, functionsUrl: (setting?.url as string | undefined) ?? null };
}

async function examineOne(one: Examination, patient: Patient): Promise<Finding[]> {
  if (one.needs !== 'nothing' && patient.sql === null) return [skipped(one.name, 'the database does not answer')];
  if (one.needs === 'installation' && !patient.installed)
    return [skipped(one.name, 'Holdfast is not installed in this database')];
  try {
    return await one.examine(patient);
  } catch (error) {
    const known = catalogueError(error);
    return [problem(one.name, `could not be examined: ${known.message}`, known.hint)];
  }
}
