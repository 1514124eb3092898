-- Whose data is where: per table, which rows belong to a user and what becomes of them. Proposed by
-- `npm run account:discover`, decided by the owner.
create table if not exists backup.subject_source (
  schema_name text not null,
  table_name text not null,
  decision text not null check (decision in ('mapped', 'excluded')),
  category text check (category ~ '^[a-z][a-z0-9_]{0,62}$'),
  paths jsonb not null default '[]' check (jsonb_typeof(paths) = 'array'),
  read_as text not null default 'auto' check (read_as in ('auto', 'owner')),
  erase text not null default 'delete' check (erase in ('delete', 'anonymise', 'keep')),
  keep_reason text,
  keep_for interval,
  note text,
  updated_at timestamptz not null default now(),
  primary key (schema_name, table_name),
  check (decision = 'excluded' or (category is not null and jsonb_array_length(paths) > 0)),
  check (erase <> 'keep' or (keep_reason is not null and keep_for is not null))
);
alter table backup.subject_source enable row level security;
comment on table backup.subject_source is 'Which rows of a table belong to a user; a row without any path is nobody''s.';
comment on column backup.subject_source.paths is
  'A list of paths from the table to auth.users, any of which makes a row theirs; a path is a list of hops
   {"columns": [...], "to": {"schema", "table", "columns": [...]}}, the last one to auth.users (id, email or phone).
   With "key": "..." in a hop, the text under this top-level key of its one column, which is json or jsonb, is compared.';
comment on column backup.subject_source.read_as is
  'auto: under the user''s own row level security where the table grants and has policies; owner: by the paths alone.';
comment on column backup.subject_source.keep_reason is 'The legal reason to keep rows of erased people, shown to them.';
comment on column backup.subject_source.keep_for is 'How long after the erasure rows are kept.';
comment on column backup.subject_source.note is 'Why it was decided so.';

create table if not exists backup.subject_column (
  schema_name text not null,
  table_name text not null,
  column_name text not null,
  rule text not null default 'keep' check (rule in ('keep', 'redact', 'hash', 'drop')),
  unless_own text,
  anonymise text check (anonymise in ('null', 'empty', 'hash', 'placeholder')),
  updated_at timestamptz not null default now(),
  primary key (schema_name, table_name, column_name)
);
alter table backup.subject_column enable row level security;
comment on table backup.subject_column is 'What exports and erasures do with single columns; a column without a row is kept.';
comment on column backup.subject_column.rule is
  'keep as it is; redact to a fixed mark; hash, so that equal values stay equal; drop the column.';
comment on column backup.subject_column.unless_own is
  'A column that names a user: the rule spares rows in which it is the subject (the own side of a conversation).';
comment on column backup.subject_column.anonymise is 'What an erasure that anonymises writes into the column; null: it is left.';

create table if not exists backup.subject_category (
  -- It becomes the name of a file: what Windows gives a meaning to is none.
  name text primary key check (name ~ '^[a-z][a-z0-9_]{0,62}$' and name !~ '^(con|prn|aux|nul|com[0-9]|lpt[0-9])$'),
  title text not null,
  position integer not null
);
alter table backup.subject_category enable row level security;
comment on table backup.subject_category is 'The parts of an export of personal data, in their order.';
insert into backup.subject_category (name, title, position)
values
  ('profile', 'Profile', 1), ('sign_in_history', 'Sign-in history', 2), ('consents', 'Consents', 3),
  ('business_information', 'Business information', 4), ('call_history', 'Call history', 5), ('messages', 'Messages', 6),
  ('usage_data', 'Usage data', 7), ('invoices', 'Invoices', 8), ('support_tickets', 'Support tickets', 9),
  ('other', 'Other data', 99)
on conflict (name) do nothing;
revoke all on backup.subject_source, backup.subject_column, backup.subject_category from public;
