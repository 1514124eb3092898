import { readdir, readFile } from 'node:fs/promises';
import type { Sql } from 'postgres';
import { ok, problem, warning } from './finding.ts';
import type { Examination } from './patient.ts';

const FOLDER = new URL('../../../supabase/migrations/', import.meta.url);
const PUSH = 'npx supabase db push';

/** Everything that the migrations of this version create is there, and whether the CLI's own history agrees. */
export const migrations: Examination = {
  name: 'migrations',
  title: 'Migrations',
  needs: 'database',
  examine: async ({ sql, installed }) => {
    if (!installed) return [problem('schema', 'Holdfast is not installed: there is no schema backup', PUSH)];
    const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort();
    const absent = await absentOf(sql!, files);
    if (absent.length > 0) {
      const names = absent.map(({ name, file }) => `${name} (${file})`).slice(0, 5);
      const more = absent.length > 5 ? ` and ${absent.length - 5} more` : '';
      return [problem('objects', `not there: ${names.join(', ')}${more}`, PUSH)];
    }
    return [
      ok('objects', `all tables and functions of ${files.length} migrations are there`),
      await history(sql!, files),
    ];
  },
};

interface Created {
  readonly file: string;
  readonly name: string;
}

/** Tables and functions that a migration creates and the database lacks. */
async function absentOf(sql: Sql, files: readonly string[]): Promise<Created[]> {
  const created: Created[] = [];
  for (const file of files) {
    const text = await readFile(new URL(file, FOLDER), 'utf8');
    const names = text.matchAll(/^create (?:or replace function|table if not exists) (\w+\.\w+)/gm);
    for (const [, name] of names) created.push({ file, name: name! });
  }
  const names = [...new Set(created.map(({ name }) => name))];
  const rows = await sql`
    select name from unnest(${names}::text[]) as name
    where to_regclass(name) is null and not exists (
      select from pg_catalog.pg_proc p where p.pronamespace::regnamespace::text || '.' || p.proname = name)`;
  const lacking = new Set(rows.map((row) => row.name as string));
  return created.filter(({ name }) => lacking.has(name));
}

async function history(sql: Sql, files: readonly string[]) {
  const [known] = await sql`select to_regclass('supabase_migrations.schema_migrations') is not null as there`;
  if (!known!.there) return ok('history', 'applied without the Supabase CLI');
  const rows = await sql`select version from supabase_migrations.schema_migrations`;
  const applied = new Set(rows.map((row) => row.version as string));
  const unknown = files.map((file) => file.slice(0, 14)).filter((version) => !applied.has(version));
  if (unknown.length === 0) return ok('history', 'the CLI knows every migration as applied');
  const repair = `npx supabase migration repair --status applied ${unknown.join(' ')}`;
  return warning('history', `the CLI's history lacks ${unknown.length} migrations that are in place`, repair);
}
