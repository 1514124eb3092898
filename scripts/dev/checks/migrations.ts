/** Migrations are append-only and safe by themselves: fixed search_path in every function, row security on every table. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check, Finding } from './check.ts';
import { type SqlStatement, sqlStatements } from './sql-statements.ts';

const FOLDER = 'supabase/migrations';

export const migrationsCheck: Check = {
  name: 'migrations',
  title: 'migrations are named in order, set search_path in functions and enable row security on tables',
  async run(root) {
    if (!existsSync(join(root, FOLDER))) return { problems: [] };
    const names = (await readdir(join(root, FOLDER))).filter((name) => !name.startsWith('.')).sort();
    const statements = await Promise.all(
      names.map(async (name) => ({ name, all: sqlStatements(await readFile(join(root, FOLDER, name), 'utf8')) })),
    );
    const secured = new Set(statements.flatMap(({ all }) => all.flatMap(securedTable)));
    const found = statements.flatMap(({ name, all }) => [
      ...all.flatMap((one) => searchPathProblem(name, one)),
      ...all.flatMap((one) => rowSecurityProblem(name, one, secured)),
    ]);
    return { problems: [...nameProblems(names), ...found] };
  },
};

const NAME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)_[a-z][a-z0-9]*(_[a-z0-9]+)*\.sql$/;

function nameProblems(names: readonly string[]): Finding[] {
  const problem = (name: string, message: string) => ({ file: `${FOLDER}/${name}`, message });
  return names.flatMap((name, index) => {
    if (!NAME.test(name) || !isTime(name))
      return [problem(name, 'is not named <14 digits of a time>_<verb_phrase>.sql')];
    const before = names[index - 1];
    return before?.slice(0, 14) === name.slice(0, 14) ? [problem(name, `has the number of ${before}`)] : [];
  });
}

function isTime(name: string): boolean {
  const [, year, month, day, hour, minute, second] = NAME.exec(name) ?? [];
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text;
}

function searchPathProblem(name: string, { text, line }: SqlStatement): Finding[] {
  const routine = /^create (?:or replace )?(?:function|procedure) ([^\s(]+)/.exec(text)?.[1];
  if (!routine || /\bset search_path (?:=|to) ''/.test(text)) return [];
  return [{ file: `${FOLDER}/${name}`, line, message: `${routine} does not set search_path = ''` }];
}

function securedTable({ text }: SqlStatement): string[] {
  const table = /^alter table (?:if exists )?(?:only )?(\S+) enable row level security$/.exec(text)?.[1];
  return table ? [table] : [];
}

function rowSecurityProblem(name: string, { text, line }: SqlStatement, secured: Set<string>): Finding[] {
  const table = /^create (?:unlogged )?table (?:if not exists )?([^\s(]+)/.exec(text)?.[1];
  if (!table) return [];
  const file = `${FOLDER}/${name}`;
  if (!table.includes('.')) return [{ file, line, message: `table ${table} is not named with its schema` }];
  return secured.has(table) ? [] : [{ file, line, message: `row level security is not enabled on ${table}` }];
}
