-- Stand-in for supabase_vault: the same objects and privileges. The root key is a file of the server, so what one
-- server encrypted another cannot read, as on the platform; the cipher is pgcrypto's OpenPGP instead of libsodium's AEAD.
create schema if not exists vault;
grant usage on schema vault to postgres, service_role;

do $$
begin
  if pg_catalog.pg_stat_file('vault_root.key', true) is null then
    execute pg_catalog.format(
      'copy (select pg_catalog.encode(extensions.gen_random_bytes(32), ''hex'')) to %L',
      pg_catalog.current_setting('data_directory') || '/vault_root.key');
  end if;
end
$$;

create function vault._crypto_aead_det_noncegen() returns bytea
language sql
set search_path = ''
as $$ select extensions.gen_random_bytes(16) $$;

create function vault._crypto_aead_det_encrypt(message bytea, additional bytea, key_id bigint, context bytea, nonce bytea)
returns bytea
language sql security definer
set search_path = ''
as $$
  select extensions.pgp_sym_encrypt_bytea(message, pg_catalog.encode(extensions.hmac(
    additional || context || coalesce(nonce, '\x'), pg_catalog.pg_read_binary_file('vault_root.key'), 'sha256'), 'hex'))
$$;
create function vault._crypto_aead_det_decrypt(message bytea, additional bytea, key_id bigint, context bytea, nonce bytea)
returns bytea
language sql security definer
set search_path = ''
as $$
  select extensions.pgp_sym_decrypt_bytea(message, pg_catalog.encode(extensions.hmac(
    additional || context || coalesce(nonce, '\x'), pg_catalog.pg_read_binary_file('vault_root.key'), 'sha256'), 'hex'))
$$;

create table vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea default vault._crypto_aead_det_noncegen(),
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp
);
create unique index secrets_name_idx on vault.secrets (name) where name is not null;
comment on table vault.secrets is 'Table with encrypted `secret` column for storing sensitive information on disk.';

create view vault.decrypted_secrets with (security_barrier = true) as
select s.id, s.name, s.description, s.secret,
  convert_from(vault._crypto_aead_det_decrypt(
    decode(s.secret, 'base64'), convert_to(s.id::text, 'utf8'), 0, '\x7067736f6469756d', s.nonce), 'utf8'
  ) as decrypted_secret,
  s.key_id, s.nonce, s.created_at, s.updated_at
from vault.secrets s;

create function vault.create_secret(
  new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
) returns uuid
language plpgsql security definer
set search_path = ''
as $$
declare
  v_id constant uuid := pg_catalog.gen_random_uuid();
  v_nonce constant bytea := vault._crypto_aead_det_noncegen();
begin
  if new_key_id is not null then
    raise exception 'key management is not supported' using errcode = '0A000', hint = 'Leave new_key_id out.';
  end if;
  insert into vault.secrets (id, name, description, secret, nonce)
  values (v_id, new_name, coalesce(new_description, ''), pg_catalog.encode(vault._crypto_aead_det_encrypt(
    pg_catalog.convert_to(new_secret, 'utf8'), pg_catalog.convert_to(v_id::text, 'utf8'), 0,
    '\x7067736f6469756d', v_nonce), 'base64'), v_nonce);
  return v_id;
end
$$;

create function vault.update_secret(
  secret_id uuid, new_secret text default null, new_name text default null,
  new_description text default null, new_key_id uuid default null
) returns void
language plpgsql security definer
set search_path = ''
as $$
begin
  update vault.secrets s
  set name = coalesce(new_name, s.name),
    description = coalesce(new_description, s.description),
    secret = case when new_secret is null then s.secret else pg_catalog.encode(vault._crypto_aead_det_encrypt(
      pg_catalog.convert_to(new_secret, 'utf8'), pg_catalog.convert_to(s.id::text, 'utf8'), 0,
      '\x7067736f6469756d', s.nonce), 'base64') end,
    updated_at = pg_catalog.now()
  where s.id = secret_id;
end
$$;

revoke all on all functions in schema vault from public;
grant execute on function vault._crypto_aead_det_decrypt(bytea, bytea, bigint, bytea, bytea) to postgres, service_role;
grant execute on function vault.create_secret(text, text, text, uuid) to postgres, service_role;
grant execute on function vault.update_secret(uuid, text, text, text, uuid) to postgres, service_role;
grant select, delete, references, truncate on vault.secrets, vault.decrypted_secrets to postgres;
grant select, delete on vault.secrets, vault.decrypted_secrets to service_role;
