/** A database without Supabase: a schema that only has the platform's name, odd identifiers, and what COPY finds hard. */
export const PLAIN_SCHEMA = `
create schema auth;
create table auth.people (id uuid primary key default gen_random_uuid(), name text not null unique, "select" jsonb);
insert into auth.people (name, "select")
  select 'person ' || i, case i % 4 when 0 then 'null' when 1 then null else jsonb_build_object('n', i, 'é', 'ü') end
  from generate_series(1, 500) i;

create schema shop;
create type shop.state as enum ('new', 'it''s used', '');
create domain shop.positive as int check (value > 0);
create sequence shop.counter start 5 increment 7;
select nextval('shop.counter'), nextval('shop.counter');
create table shop.parts (
  id bigint generated always as identity primary key,
  owner uuid references auth.people (id) on delete cascade,
  state shop.state default 'new',
  amount shop.positive,
  price numeric(12, 3),
  twice numeric generated always as (price * 2) stored,
  ratio float8,
  taken interval,
  at timestamptz,
  tags text[],
  raw bytea,
  note text
);
create index on shop.parts (state) where amount > 3;
insert into shop.parts (owner, state, amount, price, ratio, taken, at, tags, raw, note)
select (select id from auth.people offset i % 500 limit 1), (array['new', 'it''s used', '']::shop.state[])[1 + i % 3], i,
  i / 7.0, case i % 5 when 0 then 'NaN' when 1 then '-Infinity' else i / 3.0 end, i * interval '1 month 2 days 3.004 seconds',
  case i % 9 when 0 then 'infinity' else '2026-03-29 01:30:00+01'::timestamptz + i * interval '1 hour' end,
  array['a', null, 'b"\\,{}', ''], decode(md5(i::text), 'hex'), e'line\\nbreak\\ttab\\\\. ' || chr(8364) || e'\\n\\\\.\\n'
from generate_series(1, 3000) i;
alter table shop.parts enable row level security;
create policy everyone on shop.parts using (true);

create table shop.nothing ();
insert into shop.nothing default values;
insert into shop.nothing default values;

create table shop.measurements (taken date not null, value int) partition by range (taken);
create table shop.measurements_2025 partition of shop.measurements for values from ('2025-01-01') to ('2026-01-01');
create table shop.measurements_rest partition of shop.measurements default;
insert into shop.measurements select '2025-06-01'::date + i, i from generate_series(1, 600) i;

create materialized view shop.totals as select state, count(*) from shop.parts group by state;
create function shop.touch() returns trigger language plpgsql as $$ begin new.note := coalesce(new.note, ''); return new; end $$;
create trigger touched before insert or update on shop.parts for each row execute function shop.touch();

create schema "Ünï cödé";
create table "Ünï cödé"."tab""le" ("Kolumna 1" text, "%s" int, " " text, "a.b" text);
insert into "Ünï cödé"."tab""le" values (null, 1, '', '\\N'), ('zażółć gęślą jaźń', 2, e'\\r\\n', e'\\\\N');
`;
