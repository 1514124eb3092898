-- The large table. Everything comes from the row's number, so two runs give the same rows.
create function pg_temp.pick(n bigint, salt bigint, choices integer) returns integer
language sql immutable parallel safe
as $$ select (pg_catalog.hashint8extended(n, salt) & 2147483647)::integer % choices $$;

insert into public.bookings (
  id, calendar_id, service_type_id, customer_name, customer_email, customer_phone, status, starts_at, ends_at, price,
  currency, notes, intake, tags, source, created_at, updated_at
)
select
  md5('booking ' || n)::uuid,
  md5('calendar ' || 1 + pg_temp.pick(n, 1, c.calendars))::uuid,
  100 + 10 * (3 * pg_temp.pick(n, 1, c.calendars) + pg_temp.pick(n, 2, 3)),
  (array['Ana Ribeiro', 'Jürgen Groß', '山田 太郎', 'Олена Шевченко', 'محمد العلي', 'שרה כהן', 'Ζωή Παπαδάκη', 'Đặng Thị Mai',
    '김민준', 'José “Pepe” O''Neil', 'नेहा शर्मा', 'Zoë 👩‍⚕️ Müller'])[1 + pg_temp.pick(n, 3, 12)]
    || ' ' || pg_temp.pick(n, 4, 100000),
  case when pg_temp.pick(n, 5, 20) = 0 then null else 'customer' || pg_temp.pick(n, 6, c.rows) || '@mail.example' end,
  case when pg_temp.pick(n, 7, 10) = 0 then null else '+3519' || lpad(pg_temp.pick(n, 8, 100000000)::text, 8, '0') end,
  (array['pending', 'confirmed', 'completed', 'completed', 'completed', 'cancelled', 'no-show']
    )[1 + pg_temp.pick(n, 9, 7)]::public.booking_status,
  s.starts_at,
  s.starts_at + (array['30 min', '45 min', '1 hour', '90 min'])[1 + pg_temp.pick(n, 10, 4)]::interval,
  case when pg_temp.pick(n, 11, 50) = 0 then null else 10 + pg_temp.pick(n, 12, 20000) / 100.0 end,
  (array['EUR', 'EUR', 'GBP', 'BRL'])[1 + pg_temp.pick(n, 13, 4)],
  case pg_temp.pick(n, 14, 16) when 0 then null when 1 then '' when 2 then E'line one\nline two\ttabbed \\. end'
    else p.phrases[1 + pg_temp.pick(n, 15, 12)] || ' ' || p.phrases[1 + pg_temp.pick(n, 16, 12)] || ' '
      || p.phrases[1 + pg_temp.pick(n, 17, 12)] || ' #' || pg_temp.pick(n, 18, 1000000) end,
  case pg_temp.pick(n, 19, 12) when 0 then null when 1 then 'null'::jsonb else jsonb_build_object(
    'guests', 1 + pg_temp.pick(n, 20, 6), 'first_visit', pg_temp.pick(n, 21, 2) = 0,
    'allergies', case when pg_temp.pick(n, 22, 4) = 0 then '["látex","níquel"]'::jsonb else '[]' end,
    'utm', jsonb_build_object('source', (array['google', 'instagram', 'newsletter'])[1 + pg_temp.pick(n, 23, 3)],
      'campaign', 'c-' || pg_temp.pick(n, 24, 500), 'click', md5(n::text))) end,
  case pg_temp.pick(n, 25, 5) when 0 then '{vip}' when 1 then '{"late payer","needs, quoting","NULL"}' else '{}' end::text[],
  (array['web', 'whatsapp', 'phone', 'import'])[1 + pg_temp.pick(n, 26, 4)],
  s.starts_at - make_interval(hours => pg_temp.pick(n, 27, 1000)),
  s.starts_at - make_interval(hours => pg_temp.pick(n, 27, 1000)) + make_interval(secs => pg_temp.pick(n, 28, 90000) / 7.0)
from (
  select current_setting('demo.rows')::integer as rows, greatest(4, current_setting('demo.rows')::integer / 100) as calendars
) c
cross join (select array[
    'Prefers the chair by the window.', 'Pediu para confirmar por WhatsApp na véspera.', 'Bitte pünktlich, danach Zahnarzt.',
    'Paid the deposit in cash at the desk.', 'Second visit after the refund in spring.', '前回と同じスタイリストを希望。',
    'Voucher from the summer campaign.', 'Просит перезвонить после шести.', 'Reschedule only with 24 hours notice.',
    'Allergic to most perfumes, patch test done.', 'Brings two children, needs the large room.', 'يفضل التواصل عبر الرسائل.'
  ] as phrases offset 0) p
cross join lateral generate_series(1, c.rows) as n
cross join lateral (
  select timestamptz '2025-01-06 08:00:00+00' + make_interval(mins => 15 * pg_temp.pick(n, 29, 48000)) as starts_at
) s;

-- A few values that PostgreSQL keeps out of line: one that compresses and some that do not.
update public.bookings
set notes = repeat('All work and no play. ', 20000)
where id = md5('booking 7')::uuid;
update public.bookings b
set intake = jsonb_build_object('scan', (select string_agg(md5(b.id::text || i), '') from generate_series(1, 4000) as i))
where b.id in (select md5('booking ' || n * 13)::uuid from generate_series(1, 5) as n);
