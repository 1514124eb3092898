-- Keys, constraints, indexes, functions, triggers, policies, views, comments and grants of the demo application.
alter table public.users add primary key (id), add constraint users_email_key unique (email);
alter table public.user_roles add primary key (id), add unique (user_id, role);
alter table public.user_security_settings add primary key (user_id);
alter table public.calendars add primary key (id), add unique (slug);
alter table public.calendar_settings add primary key (calendar_id);
alter table public.service_types add primary key (id), add unique (calendar_id, name);
alter table public.bookings
  add primary key (id),
  add constraint bookings_booking_number_key unique (booking_number),
  add constraint bookings_end_after_start check (ends_at > starts_at),
  add constraint bookings_price_positive check (price is null or price >= 0) not valid;
alter table public.business_stripe_accounts add primary key (id), add unique (user_id);
alter table public.booking_payments add primary key (id), add unique (invoice_number);
alter table public.payment_settings add primary key (calendar_id);
alter table public.installment_payments add primary key (payment_id, installment_no);
alter table public.whatsapp_contacts add primary key (id), add unique (calendar_id, phone);
alter table public.whatsapp_conversations add primary key (id);
alter table public.whatsapp_messages add primary key (id);
alter table public.webhook_events add primary key (id, received_at);

alter table public.users add foreign key (id) references auth.users (id) on delete cascade;
alter table public.user_roles
  add foreign key (user_id) references public.users (id) on delete cascade,
  add foreign key (granted_by) references public.users (id) on delete set null;
alter table public.user_security_settings add foreign key (user_id) references public.users (id) on delete cascade;
alter table public.login_history add foreign key (user_id) references public.users (id) on delete cascade;
alter table public.calendars add foreign key (user_id) references public.users (id) on delete restrict;
alter table public.calendar_settings add foreign key (calendar_id) references public.calendars (id) on delete cascade;
alter table public.service_types add foreign key (calendar_id) references public.calendars (id) on delete cascade;
alter table public.bookings
  add foreign key (calendar_id) references public.calendars (id),
  add foreign key (service_type_id) references public.service_types (id) deferrable initially deferred;
alter table public.business_stripe_accounts add foreign key (user_id) references public.users (id);
alter table public.booking_payments add foreign key (booking_id) references public.bookings (id);
alter table public.payment_settings add foreign key (calendar_id) references public.calendars (id) on delete cascade;
alter table public.installment_payments add foreign key (payment_id) references public.booking_payments (id) on delete cascade;
alter table public.whatsapp_contacts add foreign key (calendar_id) references public.calendars (id);
alter table public.whatsapp_conversations
  add foreign key (contact_id) references public.whatsapp_contacts (id),
  add foreign key (booking_id) references public.bookings (id) on delete set null;
alter table public.whatsapp_messages add foreign key (conversation_id) references public.whatsapp_conversations (id) on delete cascade;

create index users_search_idx on public.users using gin (search);
create index bookings_calendar_starts_idx on public.bookings (calendar_id, starts_at desc) include (status);
create index bookings_open_idx on public.bookings (starts_at) where status in ('pending', 'confirmed');
create index bookings_customer_idx on public.bookings (lower(customer_email));
create index bookings_tags_idx on public.bookings using gin (tags);
create index booking_payments_booking_idx on public.booking_payments (booking_id);
create index login_history_user_idx on public.login_history (user_id, logged_in_at);
create index whatsapp_messages_conversation_idx on public.whatsapp_messages (conversation_id, sent_at);
create index webhook_events_payload_idx on public.webhook_events using gin (payload jsonb_path_ops);
create index webhook_events_unprocessed_idx on public.webhook_events (received_at) where not processed;
create statistics public.bookings_calendar_status (dependencies, ndistinct) on calendar_id, status from public.bookings;
alter table public.bookings alter column notes set storage external;
alter table public.bookings set (autovacuum_vacuum_scale_factor = 0.05);

create function public.is_staff(p_roles public.app_role[] default '{admin,support}') returns boolean
language sql stable security definer
set search_path = ''
as $$ select exists (select from public.user_roles r where r.user_id = auth.uid() and r.role = any (p_roles)) $$;
create function public.set_updated_at() returns trigger
language plpgsql
set search_path = ''
as $$ begin new.updated_at := pg_catalog.clock_timestamp(); return new; end $$;
create function public.audit_role_change() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  insert into public.security_events_log (event_type, event_category, severity, user_id, event_data)
  values ('role_' || pg_catalog.lower(tg_op), 'authorization', 'high', coalesce(new.user_id, old.user_id),
    pg_catalog.jsonb_build_object('old', pg_catalog.to_jsonb(old), 'new', pg_catalog.to_jsonb(new)));
  return null;
end
$$;
-- A new account gets its profile row: the trigger sits on a table that the platform owns.
create function public.handle_new_user() returns trigger
language plpgsql security definer
set search_path = ''
as $$
begin
  insert into public.users (id, email, full_name)
  values (new.id, coalesce(new.email, ''), new.raw_user_meta_data ->> 'full_name')
  on conflict do nothing;
  return new;
end
$$;
create trigger on_auth_user_created after insert on auth.users for each row execute function public.handle_new_user();
create trigger set_updated_at before update on public.users for each row execute function public.set_updated_at();
create trigger set_updated_at before update on public.calendars for each row execute function public.set_updated_at();
create trigger set_updated_at before update on public.bookings
  for each row when (pg_trigger_depth() = 0) execute function public.set_updated_at();
create trigger audit_role_change after insert or update or delete on public.user_roles
  for each row execute function public.audit_role_change();
create constraint trigger audit_stripe_account after update on public.business_stripe_accounts
  deferrable initially deferred for each row execute function public.audit_role_change();
alter table public.business_stripe_accounts disable trigger audit_stripe_account;

create view public.calendar_overview with (security_invoker = true) as
select c.id, c.name, c.slug, s.whatsapp_enabled, p.deposit_percent,
  (select count(*) from public.bookings b where b.calendar_id = c.id and b.status = 'confirmed') as confirmed
from public.calendars c
left join public.calendar_settings s on s.calendar_id = c.id
left join public.payment_settings p on p.calendar_id = c.id;
create materialized view public.monthly_revenue as
select date_trunc('month', b.starts_at at time zone 'UTC') as month, b.currency, count(*) as bookings, sum(b.price) as revenue
from public.bookings b
where b.status = 'completed'
group by 1, 2;
create unique index monthly_revenue_key on public.monthly_revenue (month, currency);
create function public.upcoming_bookings(p_calendar uuid, p_limit integer default 20) returns setof public.bookings
language sql stable
set search_path = ''
as $$
  select * from public.bookings b where b.calendar_id = p_calendar and b.starts_at > pg_catalog.now()
  order by b.starts_at limit p_limit
$$;
create procedure public.close_conversation(p_conversation uuid)
language sql
set search_path = ''
as $$ update public.whatsapp_conversations set closed_at = pg_catalog.now() where id = p_conversation and closed_at is null $$;

do $$
declare
  v_table text;
begin
  foreach v_table in array array[
    'users', 'user_roles', 'user_security_settings', 'login_history', 'calendars', 'calendar_settings', 'service_types',
    'bookings', 'business_stripe_accounts', 'booking_payments', 'payment_settings', 'installment_payments',
    'whatsapp_contacts', 'whatsapp_conversations', 'whatsapp_messages', 'webhook_events', 'webhook_events_2025_12',
    'webhook_events_2026_01', 'webhook_events_2026_02', 'webhook_events_default', 'security_events_log'
  ] loop
    execute format('alter table public.%I enable row level security', v_table);
  end loop;
end
$$;
alter table public.user_security_settings force row level security;
create policy "Own profile" on public.users for all to authenticated using (id = auth.uid()) with check (id = auth.uid());
create policy "Staff read profiles" on public.users for select to authenticated using (public.is_staff());
create policy "Own roles" on public.user_roles for select to authenticated using (user_id = auth.uid());
create policy "Own security settings" on public.user_security_settings for all to authenticated using (user_id = auth.uid());
create policy "Own logins" on public.login_history for select to authenticated using (user_id = auth.uid());
create policy "Public calendars" on public.calendars for select to anon, authenticated using (is_public);
create policy "Own calendars" on public.calendars for all to authenticated using (user_id = auth.uid());
create policy "Own settings" on public.calendar_settings for all to authenticated
  using (exists (select from public.calendars c where c.id = calendar_id and c.user_id = auth.uid()));
create policy "Active services" on public.service_types for select to anon, authenticated using (active);
create policy "Own bookings" on public.bookings for all to authenticated
  using (exists (select from public.calendars c where c.id = calendar_id and c.user_id = auth.uid()));
create policy "Customers see theirs" on public.bookings for select to authenticated using (lower(customer_email) = lower(auth.email()));
create policy "Own Stripe account" on public.business_stripe_accounts for select to authenticated using (user_id = auth.uid());
create policy "Own payments" on public.booking_payments for select to authenticated
  using (exists (select from public.bookings b where b.id = booking_id));
create policy "No failed payments" on public.booking_payments as restrictive for select to authenticated using (status <> 'failed');
create policy "Own contacts" on public.whatsapp_contacts for all to authenticated
  using (exists (select from public.calendars c where c.id = calendar_id and c.user_id = auth.uid()));
create policy "Own messages" on public.whatsapp_messages for select to authenticated
  using (exists (select from public.whatsapp_conversations v where v.id = conversation_id));

revoke all on public.user_roles, public.user_security_settings, public.login_history, public.security_events_log from anon;
revoke all on public.users from anon;
grant select (id, business_name) on public.users to anon;
revoke all on function public.is_staff(public.app_role[]) from public, anon;

comment on table public.bookings is 'All booking records; the business''s revenue. Ünïcode ✓ and a "quote".';
comment on column public.bookings.intake is 'Answers of the intake form; JSON null means the form was sent empty';
comment on type public.postal_address is 'As printed on invoices';
comment on function public.upcoming_bookings(uuid, integer) is 'Bookings that are still to come';
comment on policy "Own profile" on public.users is 'People edit themselves only';

alter publication supabase_realtime add table public.bookings, public.whatsapp_messages;
select cron.schedule('refresh-monthly-revenue', '30 3 * * *', 'refresh materialized view concurrently public.monthly_revenue');
select vault.create_secret('whsec_demo', 'stripe_webhook_secret', 'Signs Stripe''s webhooks');
analyze;
