-- Stand-in for pg_cron: its tables, its functions and their rules. The clock is a program of the stack.
create schema if not exists cron;
create sequence cron.jobid_seq;
create sequence cron.runid_seq;

create table cron.job (
  jobid bigint primary key default nextval('cron.jobid_seq'),
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport integer not null default inet_server_port(),
  database text not null default current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  constraint jobname_username_uniq unique (jobname, username)
);
create table cron.job_run_details (
  jobid bigint,
  runid bigint primary key default nextval('cron.runid_seq'),
  job_pid integer,
  database text,
  username text,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);
alter table cron.job enable row level security;
create policy cron_job_policy on cron.job using (username = current_user);
alter table cron.job_run_details enable row level security;
create policy cron_job_run_details_policy on cron.job_run_details using (username = current_user);

-- One field of a schedule: a list of *, n or n-m, each with an optional /step; months and days of the week have names.
create function cron._is_field(p_field text, p_low integer, p_high integer, p_names text[]) returns boolean
language plpgsql immutable
set search_path = ''
as $$
declare
  v_item text;
  v_field text := pg_catalog.lower(p_field);
  v_part text[];
begin
  for i in 1 .. coalesce(pg_catalog.cardinality(p_names), 0) loop
    v_field := pg_catalog.replace(v_field, p_names[i], (i - 1 + p_low)::text);
  end loop;
  foreach v_item in array pg_catalog.string_to_array(v_field, ',') loop
    v_part := pg_catalog.regexp_match(v_item, '^(?:(\*)|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?$');
    if v_part is null
      or v_part[2]::integer not between p_low and p_high
      or v_part[3]::integer not between p_low and p_high
      or v_part[3]::integer < v_part[2]::integer
      or v_part[4]::integer = 0
    then
      return false;
    end if;
  end loop;
  return p_field <> '';
end
$$;

create function cron._is_schedule(p_schedule text) returns boolean
language plpgsql immutable
set search_path = ''
as $$
declare
  v_schedule constant text := pg_catalog.btrim(p_schedule, E' \t\n');
  v_field constant text[] := pg_catalog.regexp_split_to_array(v_schedule, '\s+');
begin
  if v_schedule ~* '^([1-9]|[1-5][0-9])\s+seconds?$'
    or v_schedule in ('@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly', '@reboot')
  then
    return true;
  end if;
  return pg_catalog.cardinality(v_field) = 5
    and cron._is_field(v_field[1], 0, 59, null)
    and cron._is_field(v_field[2], 0, 23, null)
    and (v_field[3] = '$' or cron._is_field(v_field[3], 1, 31, null))
    and cron._is_field(v_field[4], 1, 12,
      array['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'])
    and cron._is_field(v_field[5], 0, 7, array['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']);
end
$$;

-- pg_cron's C code acts with its own rights for the current user. In SQL that takes two steps on one view: the first
-- trigger runs as the caller and records who that is, the second runs as the owner and believes only the first.
create view cron._call as
select null::text as action, null::bigint as job_id, null::text as job_name, null::text as schedule, null::text as command,
  null::text as database, null::text as username, null::boolean as active, null::name as caller, null::bigint as result
where false;

create function cron._record_caller() returns trigger
language plpgsql
set search_path = ''
as $$ begin new.caller := current_user; return new; end $$;

create function cron._check_call(p_call cron._call) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_superuser constant boolean := (select rolsuper from pg_catalog.pg_roles where rolname = p_call.caller);
begin
  if p_call.schedule is not null and not cron._is_schedule(p_call.schedule) then
    raise exception 'invalid schedule: %', p_call.schedule
      using errcode = '22023', hint = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''.';
  end if;
  if p_call.username is distinct from p_call.caller::text and p_call.username is not null and not v_superuser then
    raise exception 'must be superuser to create a job for another role' using errcode = '42501';
  end if;
  if p_call.database is not null
    and not exists (select from pg_catalog.pg_database where datname = p_call.database) then
    raise exception 'database "%" does not exist', p_call.database using errcode = '3D000';
  end if;
end
$$;

create function cron._perform_call() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  v_superuser constant boolean := (select rolsuper from pg_catalog.pg_roles where rolname = new.caller);
begin
  perform cron._check_call(new);
  if new.action = 'schedule' then
    insert into cron.job as j (schedule, command, database, username, active, jobname)
    values (
      new.schedule, new.command, coalesce(new.database, pg_catalog.current_database()),
      coalesce(new.username, new.caller::text), coalesce(new.active, true), new.job_name
    )
    on conflict on constraint jobname_username_uniq do update
      set schedule = excluded.schedule, command = excluded.command, database = excluded.database, active = excluded.active
    returning j.jobid into new.result;
    return new;
  end if;
  if new.action = 'alter' then
    update cron.job j
    set schedule = coalesce(new.schedule, j.schedule), command = coalesce(new.command, j.command),
      database = coalesce(new.database, j.database), username = coalesce(new.username, j.username),
      active = coalesce(new.active, j.active)
    where j.jobid = new.job_id and (v_superuser or j.username = new.caller::text)
    returning j.jobid into new.result;
  elsif new.action = 'unschedule' then
    delete from cron.job j
    where (j.jobid = new.job_id or (j.jobname = new.job_name and j.username = new.caller::text))
      and (v_superuser or j.username = new.caller::text)
    returning j.jobid into new.result;
  end if;
  if new.result is null then
    raise exception '%', case when new.job_name is not null
      then pg_catalog.format('could not find valid entry for job ''%s''', new.job_name)
      when new.action = 'alter' then pg_catalog.format('Job %s does not exist or you don''t own it', new.job_id)
      else pg_catalog.format('could not find valid entry for job %s', new.job_id) end;
  end if;
  return new;
end
$$;
create trigger _1_record_caller instead of insert on cron._call for each row execute function cron._record_caller();
create trigger _2_perform_call instead of insert on cron._call for each row execute function cron._perform_call();

create function cron.schedule(job_name text, schedule text, command text) returns bigint
language plpgsql
set search_path = ''
as $$
declare
  v_result bigint;
begin
  if job_name is null or schedule is null or command is null then
    raise exception '%', case when job_name is null then 'job_name' when schedule is null then 'schedule' else 'command' end
      || ' can not be NULL' using errcode = '22023';
  end if;
  insert into cron._call (action, job_name, schedule, command)
  values ('schedule', schedule.job_name, schedule.schedule, schedule.command)
  returning result into v_result;
  return v_result;
end
$$;
create function cron.schedule(schedule text, command text) returns bigint
language sql strict
set search_path = ''
as $$ insert into cron._call (action, schedule, command) values ('schedule', $1, $2) returning result $$;
create function cron.schedule_in_database(
  job_name text, schedule text, command text, database text, username text default null, active boolean default true
) returns bigint
language sql
set search_path = ''
as $$
  insert into cron._call (action, job_name, schedule, command, database, username, active)
  values ('schedule', $1, $2, $3, $4, $5, $6) returning result
$$;
create function cron.unschedule(job_name text) returns boolean
language sql
set search_path = ''
as $$ insert into cron._call (action, job_name) values ('unschedule', $1) returning result is not null $$;
create function cron.unschedule(job_id bigint) returns boolean
language sql
set search_path = ''
as $$ insert into cron._call (action, job_id) values ('unschedule', $1) returning result is not null $$;
create function cron.alter_job(
  job_id bigint, schedule text default null, command text default null, database text default null,
  username text default null, active boolean default null
) returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into cron._call (action, job_id, schedule, command, database, username, active)
  values ('alter', $1, $2, $3, $4, $5, $6);
end
$$;

revoke all on function cron._perform_call() from public;
grant select, insert on cron._call to public;
revoke all on function cron.schedule_in_database(text, text, text, text, text, boolean) from public;
revoke all on function cron.alter_job(bigint, text, text, text, text, boolean) from public;
grant select on cron.job to public;
grant select, delete on cron.job_run_details to public;
