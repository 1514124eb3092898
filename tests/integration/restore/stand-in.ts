/** The demo project and a few tables that it has not, as the database that was backed up and as the one restored. */
import assert from 'node:assert/strict';
import type { Sql } from 'postgres';
import { ALL_CHECKS } from '../../../supabase/functions/_shared/restore/checks/all-checks.ts';
import type { CheckContext, CheckResult } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { withSql } from '../export/export-harness.ts';
import { type Backup, check, named } from './checks-harness.ts';

const EXTRAS = `
  create table public.no_key (a integer, b text);
  insert into public.no_key values (1, null), (1, ''), (2, E'tab\\t, line\\nend \\\\N'), (3, 'x');
  create table public.places (country text, code integer, primary key (country, code));
  insert into public.places values ('pt', 1), ('pt', 2);
  create table public.visits (
    id serial primary key, country text, code integer, country_full text, code_full integer,
    constraint visits_simple foreign key (country, code) references public.places,
    constraint visits_full foreign key (country_full, code_full) references public.places match full
  );
  insert into public.visits (country, code, country_full, code_full)
  values ('pt', 1, 'pt', 2), ('xx', null, null, null), (null, 9, 'pt', 1);
  create table public.countdown (id integer generated always as identity (increment by -1 start with -1 maxvalue -1), v text);
  insert into public.countdown (v) values ('a'), ('b');
  create view public.codes as select code from public.places;
  create function public.count_places() returns bigint language sql stable as 'select count(code) from public.codes';
  create function public.with_tax(net numeric) returns numeric language sql immutable as 'select net * 1.23';
  create table public.taxed (net numeric, gross numeric generated always as (public.with_tax(net)) stored);
  insert into public.taxed values (100), (null);
  create function public.unqualified() returns bigint language sql stable as 'select count(*) from no_key';
`;

/** Every one has the same rows, so that a backup of one is a backup of all. */
export async function standIn(major = POSTGRES_MAJORS[0]!): Promise<TestDatabase> {
  const database = await createTestDatabase({ major, template: 'demo' });
  await withSql(database.url, (sql) => sql.unsafe(EXTRAS));
  return database;
}

export type Plant = (sql: Sql) => Promise<unknown>;

/** A fresh copy, changed by the superuser, then checked as role postgres, which may not create amcheck. */
export async function checkBroken(
  backup: Backup,
  plant: Plant,
  context?: Partial<CheckContext>,
): Promise<Map<string, CheckResult>> {
  const database = await standIn();
  try {
    await withSql(database.adminUrl, plant);
    return await check(database.url, backup, { context });
  } finally {
    await database.drop();
  }
}

/** The checks that fail are exactly these, and the first says `finding`. */
export async function assertFound(backup: Backup, names: string[], finding: RegExp, plant: Plant): Promise<void> {
  const results = await checkBroken(backup, plant);
  assert.deepEqual(named(results, 'failed'), names, JSON.stringify([...results.values()], null, 1));
  assert.match(results.get(names[0]!)!.findings.join('\n'), finding);
  assert.equal(results.size, ALL_CHECKS.length);
}
