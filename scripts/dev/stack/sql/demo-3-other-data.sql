-- All but the bookings, in proportion to them.
create function pg_temp.pick(n bigint, salt bigint, choices integer) returns integer
language sql immutable parallel safe
as $$ select (pg_catalog.hashint8extended(n, salt) & 2147483647)::integer % choices $$;
-- How many rows a table gets: one per `per` bookings.
create function pg_temp.share(per integer) returns integer
language sql stable
as $$ select greatest(4, current_setting('demo.rows')::integer / per) $$;
-- The first four people are known, so that keys and tokens can be made for them: admin, developer, support, user.
create function pg_temp.user_id(n bigint) returns uuid
language sql immutable parallel safe
as $$ select case when n <= 4 then ('00000000-0000-4000-8000-00000000000' || n)::uuid else md5('user ' || n)::uuid end $$;
create function pg_temp.user_email(n bigint) returns text
language sql immutable parallel safe
as $$ select coalesce((array['admin', 'developer', 'support', 'user'])[n], 'owner' || n) || '@bookings.example' $$;

-- Everybody's password is holdfast-demo.
insert into auth.users (
  instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data,
  created_at, updated_at, phone, phone_confirmed_at, confirmation_token, recovery_token, email_change_token_new, email_change
)
select
  '00000000-0000-0000-0000-000000000000', pg_temp.user_id(n), 'authenticated', 'authenticated', pg_temp.user_email(n),
  p.hash, t.at, '{"provider": "email", "providers": ["email"]}', jsonb_build_object('full_name', 'Person ' || n),
  t.at, t.at, case when n % 3 = 0 then '351' || (900000000 + n) end, case when n % 6 = 0 then t.at - interval '1 day' end,
  '', '', '', ''
from generate_series(1, pg_temp.share(50)) as n
cross join (select extensions.crypt('holdfast-demo', '$2a$06$Q7pYh2s0Zb1uVxW3e4r5t.') as hash offset 0) p
cross join lateral (select timestamptz '2024-06-01 09:00:00+00' + make_interval(hours => n::integer) as at) t;

insert into auth.identities (id, provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
select md5('identity ' || n)::uuid, u.id::text, u.id,
  jsonb_build_object('sub', u.id, 'email', u.email, 'email_verified', true), 'email', u.created_at, u.created_at, u.created_at
from generate_series(1, pg_temp.share(50)) as n
join auth.users u on u.id = pg_temp.user_id(n);

insert into auth.sessions (id, user_id, created_at, updated_at, aal, user_agent, ip)
select md5('session ' || n)::uuid, pg_temp.user_id(n), t.at, t.at, 'aal1', 'Mozilla/5.0 (demo)', '203.0.113.9'
from generate_series(1, pg_temp.share(100)) as n
cross join lateral (select timestamptz '2026-01-02 07:00:00+00' + make_interval(mins => n::integer) as at) t;
insert into auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, session_id)
select '00000000-0000-0000-0000-000000000000', substr(md5('token ' || n), 1, 22), pg_temp.user_id(n)::text, n % 9 = 0,
  timestamptz '2026-01-02 07:00:00+00', timestamptz '2026-01-02 07:00:00+00', md5('session ' || n)::uuid
from generate_series(1, pg_temp.share(100)) as n;

insert into public.users (
  id, email, full_name, business_name, subscription, valid_until, billing_address, preferences, tags, credit_limit, rating,
  created_at, updated_at
)
select pg_temp.user_id(n), pg_temp.user_email(n),
  case n % 11 when 0 then null when 1 then '' when 2 then 'Łucja Żółć' when 3 then '李小龍' else 'Person ' || n end,
  case n % 4 when 0 then 'Studio "Nº ' || n || '"' when 1 then 'Barbearia São João; Lda.' end,
  (array['trial', 'active', 'active', 'past_due', 'cancelled'])[1 + n % 5]::public.subscription_status,
  case when n % 7 = 0 then timestamptz '2026-06-30 23:59:59.999999+00' else 'infinity' end,
  case when n % 5 > 0 then row('Rua Augusta ' || n, 'Lisboa', '1100-' || lpad((n % 1000)::text, 3, '0'), 'PT')::public.postal_address end,
  case n % 6 when 0 then '{}' when 1 then '{"theme": null}' else jsonb_build_object('theme', 'dark', 'locale', 'pt-PT',
    'big', 12345678901234567890.123456789::numeric, 'unicode', E'\u00e9\u4e2d', 'nested', jsonb_build_array(n, n / 3.0, true)) end,
  case n % 3 when 0 then array['a,b', '"quoted"', null, ''] else '{}' end,
  case n % 10 when 0 then 'NaN'::numeric when 1 then null else n * 10.5 end,
  case n % 8 when 0 then 'Infinity' when 1 then '-Infinity' when 2 then 'NaN' when 3 then null else 1.0 / n + 0.1 end,
  timestamptz '2024-06-01 09:00:00+00' + make_interval(hours => n::integer), timestamptz '2025-12-24 12:00:00.000001+00'
from generate_series(1, pg_temp.share(50)) as n;

insert into public.user_roles (user_id, role, granted_by, granted_at)
select pg_temp.user_id(n), coalesce((array['admin', 'developer', 'support'])[n], 'business_owner')::public.app_role,
  case when n > 1 then pg_temp.user_id(1) end, timestamptz '2024-06-01 10:00:00+00' + make_interval(mins => n::integer)
from generate_series(1, pg_temp.share(50)) as n;

insert into public.user_security_settings
select pg_temp.user_id(n), n % 4 = 0,
  case when n % 4 = 0 then array[substr(md5('code a' || n), 1, 8), substr(md5('code b' || n), 1, 8)] end,
  case when n % 9 = 0 then '{10.0.0.0/8,2001:db8::/32}'::cidr[] end,
  timestamptz '2025-11-11 11:11:11+00' - make_interval(days => (n % 300)::integer),
  case when n % 5 = 0 then interval '1 mon 2 days 03:04:05.678' else interval '8 hours' end,
  case n % 3 when 0 then 'null'::jsonb when 1 then null else '{"min_length": 12}' end
from generate_series(1, pg_temp.share(50)) as n;

-- No primary key, and true duplicates: two failed attempts of the same second are two rows.
insert into public.login_history
select pg_temp.user_id(1 + pg_temp.pick(n / 2, 41, pg_temp.share(50))),
  timestamptz '2025-09-01 00:00:00+00' + make_interval(mins => 7 * (n / 2)::integer),
  case n % 3 when 0 then '2001:db8::' || to_hex(n % 65536) else '198.51.100.' || n / 2 % 256 end::inet,
  'Mozilla/5.0 (demo)', n % 5 < 4, case when n % 5 = 4 then 'wrong password' end,
  case when n % 7 = 0 then point(38.7223, -9.1393) end
from generate_series(1, pg_temp.share(10)) as n;

insert into public.calendars (id, user_id, name, slug, timezone, working_hours, holidays, is_public, created_at, updated_at)
select md5('calendar ' || n)::uuid, pg_temp.user_id(1 + n % pg_temp.share(50)),
  (array['Cabelo & Barba', 'Unhas 💅', 'Зал йоги', '美容室', 'Massage'])[1 + n % 5] || ' ' || n, 'calendar-' || n,
  (array['Europe/Lisbon', 'America/Sao_Paulo', 'Asia/Tokyo'])[1 + n % 3],
  '{"mon": [["09:00", "13:00"], ["14:00", "18:00"]], "sun": []}', '{[2025-12-24,2025-12-27),[2026-01-01,2026-01-02)}',
  n % 6 > 0, timestamptz '2024-07-01 00:00:00+00' + make_interval(hours => n::integer), timestamptz '2025-10-10 10:10:10+00'
from generate_series(1, pg_temp.share(100)) as n;

insert into public.calendar_settings
select md5('calendar ' || n)::uuid, n % 2 = 0, case when n % 2 = 0 then '+351' || (910000000 + n) end,
  case when n % 3 = 0 then jsonb_build_object('account', 'acct_' || n, 'mode', 'live') end,
  '{1 day,02:00:00,-00:15:00}', '#' || substr(md5(n::text), 1, 6),
  case when n % 4 = 0 then '<iframe src="https://embed.example/' || n || '"></iframe>' end
from generate_series(1, pg_temp.share(100)) as n;

insert into public.service_types (id, calendar_id, name, description, duration, price, vat_rate, "position", active)
overriding system value
select 100 + 10 * (3 * (n - 1) + s), md5('calendar ' || n)::uuid, (array['Corte', 'Color & style', 'Консультация'])[1 + s],
  case s when 0 then null when 1 then '' else 'Includes a first talk.' end, make_interval(mins => 30 + 15 * s),
  15 + 20 * s + n % 7, case when n % 5 = 0 then 0 else 0.23 end, s, true
from generate_series(1, pg_temp.share(100)) as n, generate_series(0, 2) as s;
select setval('public.service_types_id_seq', 100 + 30 * pg_temp.share(100), false);

insert into public.business_stripe_accounts
select md5('stripe ' || n)::uuid, pg_temp.user_id(n), 'acct_' || substr(md5('acct ' || n), 1, 16), n % 3 > 0,
  '{"card_payments": "active", "transfers": "pending"}', case when n % 3 = 0 then '{external_account,tos_acceptance.date}'::text[] end,
  case when n % 2 = 0 then 1.4 else 0.1 + n / 3.0 end, timestamptz '2024-08-01 00:00:00+00' + make_interval(days => (n % 400)::integer)
from generate_series(1, pg_temp.share(80)) as n;

insert into public.booking_payments (booking_id, amount, currency, status, stripe_payment_intent, fingerprint, raw, paid_at, created_at)
select md5('booking ' || n * 4)::uuid, 10 + pg_temp.pick(n, 51, 20000) / 100.0, 'EUR',
  (array['paid', 'paid', 'paid', 'refunded', 'requires payment', 'failed'])[1 + n % 6]::public.payment_status,
  'pi_' || md5('intent ' || n), decode(md5('card ' || pg_temp.pick(n, 52, 100000)), 'hex'),
  case n % 4 when 0 then null when 1 then 'null' else '{"id":  "pi",  "id": "twice"}' end::json,
  case when n % 6 < 4 then t.at + interval '3 seconds' end, t.at
from generate_series(1, pg_temp.share(4)) as n
cross join lateral (select timestamptz '2025-01-05 10:00:00+00' + make_interval(mins => pg_temp.pick(n, 53, 700000)) as at) t;

insert into public.payment_settings
select md5('calendar ' || n)::uuid, (n % 4) * 12.5, case when n % 2 = 0 then '{card,mb_way}' else '{card}' end::text[],
  case when n % 3 = 0 then '(,100.50)' else '[1,5000]' end::numrange,
  case n % 3 when 0 then null else jsonb_build_object('iban', 'PT50' || lpad(n::text, 21, '0')) end, case when n % 2 = 0 then '' end
from generate_series(1, pg_temp.share(100)) as n;

insert into public.installment_payments
select p.id, i, case when i = 3 then date 'infinity' else date '2026-01-31' + 30 * i end, round(p.amount / 3, 2), case when i = 1 then p.paid_at end
from public.booking_payments p, generate_series(1, 3) as i
where p.id % 10 = 0;

insert into public.whatsapp_contacts (id, calendar_id, phone, display_name, opted_in, attributes, last_seen_at)
select md5('contact ' || n)::uuid, md5('calendar ' || 1 + n % pg_temp.share(100))::uuid, '+3519' || lpad(n::text, 8, '0'),
  case n % 5 when 0 then null when 1 then '🌻' else 'Contact ' || n end, n % 3 > 0, case n % 4 when 0 then 'null'::jsonb when 1 then null else '{"lang": "pt"}' end,
  case when n % 6 = 0 then '-infinity' else timestamptz '2026-01-10 00:00:00+00' - make_interval(mins => pg_temp.pick(n, 61, 90000)) end
from generate_series(1, pg_temp.share(20)) as n;

insert into public.whatsapp_conversations
select md5('conversation ' || n)::uuid, md5('contact ' || 1 + n % pg_temp.share(20))::uuid,
  case when n % 3 = 0 then md5('booking ' || n)::uuid end, t.at, case when n % 4 > 0 then t.at + interval '1 hour' end
from generate_series(1, pg_temp.share(20)) as n
cross join lateral (select timestamptz '2025-06-01 00:00:00+00' + make_interval(mins => pg_temp.pick(n, 62, 300000)) as at) t;

insert into public.whatsapp_messages (conversation_id, direction, body, media, wa_id, sent_at, read_at)
select md5('conversation ' || 1 + pg_temp.pick(n, 71, pg_temp.share(20)))::uuid,
  (array['inbound', 'outbound'])[1 + n % 2]::public.message_direction,
  case pg_temp.pick(n, 72, 9) when 0 then null when 1 then '' when 2 then 'Olá! Posso remarcar para quinta às 15h? 🙏'
    when 3 then 'Ваш визит подтверждён ✅' when 4 then 'はい、お願いします。' when 5 then E'1) yes\r\n2) no'
    else 'Your booking ' || n || ' is confirmed, see you soon. Reply STOP to leave.' end,
  case when n % 15 = 0 then array['{"type": "image", "id": "m1"}', 'null']::jsonb[] else '{}' end,
  'wamid.' || md5('message ' || n), t.at, case when n % 3 > 0 then t.at + interval '90 seconds' end
from generate_series(1, pg_temp.share(5)) as n
cross join lateral (select timestamptz '2025-06-01 00:00:00+00' + make_interval(secs => pg_temp.pick(n, 73, 18000000)) as at) t;

insert into public.webhook_events
select md5('event ' || n)::uuid, timestamptz '2025-11-20 00:00:00+00' + make_interval(secs => pg_temp.pick(n, 81, 9500000)),
  (array['stripe', 'n8n', 'whatsapp'])[1 + n % 3], (array['payment_intent.succeeded', 'workflow.done', 'message.received'])[1 + n % 3],
  jsonb_build_object('id', 'evt_' || n, 'object', 'event', 'attempt', n % 4, 'data', jsonb_build_object('booking', md5('booking ' || n)::uuid)),
  case when n % 4 > 0 then jsonb_build_object('x-signature', md5('signature ' || n)) end, 1 + n % 3, n % 10 > 0
from generate_series(1, pg_temp.share(10)) as n;

insert into public.security_events_log (id, event_type, event_category, severity, user_id, event_data, created_at, ip_address, user_agent)
select md5('security ' || n)::uuid, (array['login_failed', 'role_granted', 'export_requested', 'backup_accessed'])[1 + n % 4],
  (array['authentication', 'authorization', 'data_access', 'data_access'])[1 + n % 4], (array['low', 'medium', 'high'])[1 + n % 3],
  pg_temp.user_id(1 + n % pg_temp.share(50)), case n % 5 when 0 then null when 1 then 'null'::jsonb else jsonb_build_object('n', n) end,
  timestamptz '2025-10-01 00:00:00+00' + make_interval(mins => n::integer), '192.0.2.1', null
from generate_series(1, pg_temp.share(25)) as n;

insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types, created_at, updated_at)
values
  ('avatars', 'avatars', true, 1048576, '{image/png,image/jpeg}', '2024-06-01', '2024-06-01'),
  ('invoices', 'invoices', false, null, null, '2024-06-01', '2024-06-01'),
  ('attachments', 'attachments', false, 10485760, null, '2024-06-01', '2024-06-01');
-- The files themselves are the Storage stand-in's: `size` bytes each; it sets eTag when it has made them.
insert into storage.objects (id, bucket_id, name, owner, owner_id, created_at, updated_at, last_accessed_at, metadata, version, user_metadata)
select md5('object ' || n)::uuid, b.id,
  case n % 3 when 0 then u.id || '/avatar.png' when 1 then '2026/01/invoice-' || n || '.pdf' else 'Anhänge/Übersicht ' || n || ' (final).txt' end,
  u.id, u.id::text, t.at, t.at, t.at,
  jsonb_build_object('eTag', null, 'size', s.size, 'mimetype', (array['image/png', 'application/pdf', 'text/plain'])[1 + n % 3],
    'cacheControl', 'max-age=3600', 'lastModified', t.at, 'contentLength', s.size, 'httpStatusCode', 200),
  md5('version ' || n)::uuid, case when n % 2 = 0 then '{"uploaded_from": "demo"}'::jsonb end
from generate_series(1, least(500, pg_temp.share(100))) as n
cross join lateral (select pg_temp.user_id(1 + n % pg_temp.share(50)) as id) u
cross join lateral (select (array['avatars', 'invoices', 'attachments'])[1 + n % 3] as id) b
cross join lateral (select case when n = 5 then 0 when n = 6 then 3000000 else 200 + pg_temp.pick(n, 91, 20000) end as size) s
cross join lateral (select timestamptz '2025-12-01 00:00:00+00' + make_interval(mins => n::integer) as at) t
on conflict (bucket_id, name) do nothing;
