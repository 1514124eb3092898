/** A small database in which everything that can go wrong with names and values does, in three sections like a dump. */
import type { ManifestTable } from '../../../supabase/functions/_shared/domain/manifest-types.ts';

/** Quotes of all kinds, a line end, a psql variable, a shell substitution, dots, and letters of three scripts. */
export const NASTY_SCHEMA = `it's "a" \\schema`;
export const NASTY_TABLE = `t.a\nb :x $(touch pwned) \`id\` % 表 ё`;
export const NASTY_COLUMN = `c'o"l\\ :y\n\\.`;

const q = (name: string) => `"${name.replaceAll('"', '""')}"`;
const nasty = `${q(NASTY_SCHEMA)}.${q(NASTY_TABLE)}`;

/** The first line is what pg_dump 17 writes; PostgreSQL 15 does not know it. */
export const PRE_DATA = `SET transaction_timeout = 0;
create schema ${q(NASTY_SCHEMA)};
create type public.mood as enum ('sad', 'ok', 'très "happy"');
create type public.pair as (a integer, b text);
create domain public.positive as integer check (value > 0);
create table public.people (
  id integer generated always as identity,
  name text not null,
  mood public.mood,
  pair public.pair,
  score public.positive,
  doubled integer generated always as (score * 2) stored,
  document json,
  facts jsonb,
  raw bytea,
  tags text[],
  amount numeric,
  ratio double precision,
  at timestamptz,
  span interval,
  during tstzrange
);
create table public.orders (id bigserial, person integer not null, note text);
create table public.empty_columns ();
create table public.nothing (id integer);
create unlogged table public.cache (k text, v text);
create table public.events (day date not null, what text) partition by range (day);
create table public.events_2026 partition of public.events for values from ('2026-01-01') to ('2027-01-01');
create table ${nasty} (${q(NASTY_COLUMN)} text, "Δ" integer);
create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'a trigger fired'; end $$;
create trigger refuse before insert on public.orders for each row execute function public.refuse();
create table public.single (v text);
`;

export const POST_DATA = `alter table public.people add primary key (id);
alter table public.orders add primary key (id);
alter table public.orders add foreign key (person) references public.people (id);
alter table public.people add foreign key (id) references auth.users (id);
create index on public.orders (person);
alter table public.people enable row level security;
create policy everyone on public.people using (true);
`;

/** As the platform makes it; the target's is a version later: a column less, a column more. */
export const SOURCE_AUTH = `create schema auth;
create table auth.users (id integer primary key, email text, gone_column text, confirmed boolean generated always as (email is not null) stored);`;
export const TARGET_AUTH = `create schema auth;
create table auth.users (id integer primary key, email text, confirmed boolean generated always as (email is not null) stored,
  new_column text not null default 'new');
insert into auth.users (id, email) values (1, 'already@there');`;

export const ROWS = `${String.raw`
set session_replication_role = replica;
insert into auth.users (id, email, gone_column) select i, 'u' || i || '@example.com', 'x' from generate_series(1, 60) i;
insert into public.people (name, mood, pair, score, document, facts, raw, tags, amount, ratio, at, span, during)
select 'name ' || i, (array['sad', 'ok', 'très "happy"'])[1 + i % 3]::public.mood, row(i, E'x"y\n')::public.pair, i,
  E'{ "a" :\n  [1,  2.50] , "\\u00e9": "\\\\ \\t" }', jsonb_build_object('n', 0.10, 'deep', jsonb_build_array(null, E'\\.', 'ü')),
  decode('00ff5c0a', 'hex'), array['a"b', null, '', 'NULL', E'\\.\n'], 12345678901234567890.123456789, 0.1 + i,
  '2026-01-14 02:00:00.123456+00', '-1 year 2 mons -3 days 04:05:06.7', '[2026-01-01 00:00+00,)'
from generate_series(1, 40) i;
insert into public.people (name) values (''), (E'\\.'), (E'line\n\\.\nline'), (E'\\.\r\n\\.\n'), (E'\\.\n'), (E'\n\\.'), (E'\r'),
  (E'tab\there \\ back\\slash \\N'), ('NULL'), ('"quoted"'), ('a,b'), (repeat('長', 5000)), (E'\u00a0\u200b');
insert into public.people (name, amount, ratio, at) values ('nan', 'NaN', 'NaN', 'infinity'), ('inf', null, '-Infinity', '-infinity');
insert into public.orders (person, note) select 1 + i % 40, E'order\n' || i from generate_series(1, 300) i;
insert into public.empty_columns select from generate_series(1, 3);
insert into public.cache values ('k', null), (null, 'v'), ('', '');
insert into public.events select '2026-01-01'::date + i, 'event ' || i from generate_series(0, 99) i;
insert into public.single values (E'\\.'), (''), (null), (E'\n\\.\n'), ('x');
insert into `}${nasty} values ('a', 1), ('b ''"\\ :x', 2), (null, null);\n`;

export type HardTable = Pick<ManifestTable, 'schema' | 'name' | 'columns' | 'managed' | 'persistence'>;

const table = (name: string, columns: string[], persistence: 'p' | 'u' = 'p'): HardTable => ({
  schema: 'public',
  name,
  columns,
  managed: false,
  persistence,
});

const PEOPLE = 'id name mood pair score document facts raw tags amount ratio at span during'.split(' ');

export const TABLES: HardTable[] = [
  { schema: 'auth', name: 'users', columns: ['id', 'email', 'gone_column'], managed: true, persistence: 'p' },
  table('people', PEOPLE),
  table('orders', ['id', 'person', 'note']),
  table('empty_columns', []),
  table('nothing', ['id']),
  table('cache', ['k', 'v'], 'u'),
  table('events_2026', ['day', 'what']),
  table('single', ['v']),
  { schema: NASTY_SCHEMA, name: NASTY_TABLE, columns: [NASTY_COLUMN, 'Δ'], managed: false, persistence: 'p' },
];

export const relation = (name: { schema: string; name: string }) => `${q(name.schema)}.${q(name.name)}`;
export const columnList = (columns: readonly string[]) => columns.map(q).join(', ');
