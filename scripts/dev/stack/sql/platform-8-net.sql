-- Stand-in for pg_net: its tables and functions, open to everybody as there. The sender is a program of the stack; it
-- listens on the channel `net_wake`, which, like pg_net's own wake-up, speaks only after the commit.
create schema if not exists net;

create domain net.http_method as text
  check (value ilike 'get' or value ilike 'post' or value ilike 'delete');
create type net.request_status as enum ('PENDING', 'SUCCESS', 'ERROR');
create type net.http_response as (status_code integer, headers jsonb, body text);
create type net.http_response_result as (status net.request_status, message text, response net.http_response);

create unlogged table net.http_request_queue (
  id bigserial,
  method net.http_method not null,
  url text not null,
  headers jsonb,
  body bytea,
  timeout_milliseconds integer not null
);
create unlogged table net._http_response (
  id bigint,
  status_code integer,
  content_type text,
  headers jsonb,
  content text,
  timed_out boolean,
  error_msg text,
  created timestamptz not null default now()
);
create index _http_response_created_idx on net._http_response (created);

create function net._urlencode_string(string varchar) returns text
language sql immutable strict
set search_path = ''
as $$
  select coalesce(pg_catalog.string_agg(
    case when b.value between 48 and 57 or b.value between 65 and 90 or b.value between 97 and 122 or b.value in (45, 46, 95, 126)
      then pg_catalog.chr(b.value)
      else '%' || pg_catalog.upper(pg_catalog.lpad(pg_catalog.to_hex(b.value), 2, '0')) end, '' order by b.place), '')
  from (
    select i as place, pg_catalog.get_byte(pg_catalog.convert_to(string, 'UTF8'), i) as value
    from pg_catalog.generate_series(0, pg_catalog.octet_length(string) - 1) as i
  ) as b
$$;
create function net._encode_url_with_params_array(url text, params_array text[]) returns text
language sql immutable strict
set search_path = ''
as $$
  select case when pg_catalog.cardinality(params_array) = 0 then url
    else url || case when pg_catalog.strpos(url, '?') > 0 then '&' else '?' end || pg_catalog.array_to_string(params_array, '&')
  end
$$;

create function net._enqueue(method text, url text, params jsonb, headers jsonb, body bytea, timeout_milliseconds integer)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
  v_params constant text[] := (
    select coalesce(pg_catalog.array_agg(net._urlencode_string(p.key) || '=' || net._urlencode_string(p.value)), '{}')
    from pg_catalog.jsonb_each_text(params) as p);
  v_id bigint;
begin
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values (_enqueue.method, net._encode_url_with_params_array(_enqueue.url, v_params), _enqueue.headers,
    _enqueue.body, _enqueue.timeout_milliseconds)
  returning id into v_id;
  perform pg_catalog.pg_notify('net_wake', '');
  return v_id;
end
$$;

create function net.http_get(
  url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 5000
) returns bigint
language sql strict
set search_path = ''
as $$ select net._enqueue('GET', url, params, headers, null, timeout_milliseconds) $$;

create function net.http_delete(
  url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 5000,
  body jsonb default null
) returns bigint
language sql
set search_path = ''
as $$ select net._enqueue('DELETE', url, params, headers, pg_catalog.convert_to(body::text, 'UTF8'), timeout_milliseconds) $$;

create function net.http_post(
  url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{"Content-Type": "application/json"}',
  timeout_milliseconds integer default 5000
) returns bigint
language plpgsql
set search_path = ''
as $$
declare
  v_content_type constant text := (
    select h.value from pg_catalog.jsonb_each_text(coalesce(headers, '{}')) as h
    where pg_catalog.lower(h.key) = 'content-type' limit 1);
begin
  if v_content_type is null then
    headers := coalesce(headers, '{}') || '{"Content-Type": "application/json"}';
  elsif v_content_type <> 'application/json' then
    raise exception 'Content-Type header must be "application/json"';
  end if;
  if body is null then
    raise exception 'body must not be null';
  end if;
  return net._enqueue('POST', url, params, headers, pg_catalog.convert_to(body::text, 'UTF8'), timeout_milliseconds);
end
$$;

create function net._http_collect_response(request_id bigint, async boolean default true) returns net.http_response_result
language plpgsql strict
set search_path = ''
as $$
declare
  v_response net._http_response;
begin
  loop
    select * into v_response from net._http_response r where r.id = request_id;
    exit when found or async;
    perform pg_catalog.pg_sleep(0.05);
  end loop;
  if v_response.id is null then
    return ('PENDING', 'request is pending processing', null)::net.http_response_result;
  end if;
  if v_response.error_msg is not null then
    return ('ERROR', v_response.error_msg, null)::net.http_response_result;
  end if;
  return ('SUCCESS', 'ok', (v_response.status_code, v_response.headers, v_response.content)::net.http_response
    )::net.http_response_result;
end
$$;
create function net.http_collect_response(request_id bigint, async boolean default true) returns net.http_response_result
language sql strict
set search_path = ''
as $$ select net._http_collect_response(request_id, async) $$;

create function net.check_worker_is_up() returns void
language plpgsql
set search_path = ''
as $$ begin null; end $$;

grant usage on schema net to public;
grant all on all tables in schema net to public;
grant all on all sequences in schema net to public;
