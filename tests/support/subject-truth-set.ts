/**
 * 200 users whose data is known: the tables of tests/fixtures/subject-truth-set.sql, and for each, written by hand and
 * in another way than the product's, which rows are a user's and what of them leaves.
 */
import { readFile } from 'node:fs/promises';
import postgres from 'postgres';

const FIXTURE = new URL('../fixtures/subject-truth-set.sql', import.meta.url);

export const TRUTH_USERS = 200;

export interface TruthUser {
  readonly id: string;
  readonly email: string;
  readonly phone: string | null;
}

/** The n-th user, from 1. */
export function truthUser(n: number): TruthUser {
  return {
    id: `5eed0000-0000-4000-a000-${n.toString(16).padStart(12, '0')}`,
    email: `user${n}@example.org`,
    phone: n % 3 === 0 ? `4915${String(n).padStart(8, '0')}` : null,
  };
}

export interface TruthTable {
  readonly schema: string;
  readonly table: string;
  readonly category: string;
  /** A condition on `t`: the rows that are the user's. */
  readonly mine: (user: TruthUser) => string;
  /** The select list on `t` of what leaves; default every column. */
  readonly leaves?: (user: TruthUser) => string;
  /** A condition on `t`: of these rows, those that policies let the user see. Default all. */
  readonly visible?: string;
}

const of =
  (schema: string) =>
  (table: string, category: string, mine: TruthTable['mine'], more: Partial<TruthTable> = {}) => ({
    schema,
    table,
    category,
    mine,
    ...more,
  });
const table = of('public');
const auth = of('auth');
const column = (name: string) => (user: TruthUser) => `t.${name} = '${user.id}'`;
const salt = `(select value #>> '{}' from backup.setting where name = 'subject_hash_salt')`;
const other = (name: string, user: TruthUser) =>
  `case when t.${name} = '${user.id}' then t.${name}::text else encode(sha256((${salt} || t.${name})::bytea), 'hex') end as ${name}`;

/** In no order. */
export const TRUTH_TABLES: readonly TruthTable[] = [
  auth('users', 'profile', column('id'), {
    leaves: () =>
      'id, role, email, email_confirmed_at, invited_at, confirmation_sent_at, recovery_sent_at, email_change, email_change_sent_at, last_sign_in_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at, phone, phone_confirmed_at, phone_change, phone_change_sent_at, confirmed_at, banned_until, is_sso_user, deleted_at, is_anonymous',
  }),
  auth('identities', 'profile', column('user_id')),
  auth('sessions', 'sign_in_history', column('user_id'), {
    leaves: () => 'id, user_id, created_at, updated_at, aal, not_after, refreshed_at, user_agent, ip, tag',
  }),
  auth('mfa_factors', 'sign_in_history', column('user_id'), {
    leaves: () => 'id, user_id, friendly_name, factor_type, status, created_at, updated_at, phone, last_challenged_at',
  }),
  auth('audit_log_entries', 'sign_in_history', ({ id }) => `t.payload ->> 'actor_id' = '${id}'`, {
    leaves: () => 'id, payload, created_at, ip_address',
  }),
  table('profiles', 'profile', column('id'), { leaves: () => 'id, display_name, email, phone, shouted' }),
  table('addresses', 'profile', column('user_id')),
  table('user_consents', 'consents', column('user_id')),
  table('user_preferences', 'profile', column('user_id')),
  table('usage_events', 'usage_data', column('user_id')),
  table('device_logins', 'sign_in_history', ({ id }) => `t.user_id::uuid = '${id}'`),
  table('newsletter_subscriptions', 'consents', ({ email }) => `t.email ilike '${email}'`),
  table('sms_opt_outs', 'consents', ({ phone }) => (phone === null ? 'false' : `ltrim(t.phone, '+') = '${phone}'`)),
  table('webhook_events', 'usage_data', ({ id }) => `t.payload @> '{"user_id": "${id}"}'`),
  table('api_clients', 'usage_data', column('user_id'), { leaves: () => 'id, user_id, label' }),
  of('Büro "Nord"')("Kunden'; drop table x;--", 'support_tickets', column('"Benutzer Id"')),
  table('businesses', 'business_information', column('owner_id')),
  table('business_hours', 'business_information', ({ id }) => {
    return `t.business_id in (select b.id from businesses b where b.owner_id = '${id}')`;
  }),
  table('services', 'business_information', ({ id }) => {
    return `t.business_id in (select b.id from businesses b where b.owner_id = '${id}')`;
  }),
  table('service_photos', 'business_information', ({ id }) => {
    return `t.service_id in (select s.id from services s join businesses b on b.id = s.business_id where b.owner_id = '${id}')`;
  }),
  table(
    'bookings',
    'business_information',
    ({ id }) => {
      const sold = `select s.id from services s join businesses b on b.id = s.business_id where b.owner_id = '${id}'`;
      return `(t.customer_id is not distinct from '${id}' or t.service_id = any (array(${sold})))`;
    },
    {
      leaves: ({ id }) =>
        `id, service_id, customer_id, case when t.customer_id is not distinct from '${id}' then customer_email else '[redacted]' end as customer_email, note`,
    },
  ),
  table('booking_notes', 'business_information', ({ id }) => {
    return `t.booking_id in (select b.id from bookings b where b.customer_id = '${id}')`;
  }),
  table('invoices', 'invoices', column('user_id')),
  table('invoice_lines', 'invoices', ({ id }) => {
    return `t.invoice_id in (select i.id from invoices i where i.user_id = '${id}')`;
  }),
  table('invoice_line_taxes', 'invoices', ({ id }) => {
    return `t.line_no is not null and t.invoice_id in (select i.id from invoices i where i.user_id = '${id}')`;
  }),
  table('tenant_members', 'business_information', column('user_id')),
  table('member_documents', 'business_information', ({ id }) => {
    return `(t.tenant_id, t.member_no) in (select m.tenant_id, m.member_no from tenant_members m where m.user_id = '${id}')`;
  }),
  table('member_document_versions', 'business_information', ({ id }) => {
    return `t.document_id in (select d.id from member_documents d join tenant_members m using (tenant_id, member_no) where m.user_id = '${id}')`;
  }),
  table('conversations', 'messages', ({ id }) => `'${id}' in (t.participant_a, t.participant_b)`, {
    leaves: (user) => `id, ${other('participant_a', user)}, ${other('participant_b', user)}, subject`,
  }),
  table('messages', 'messages', ({ id }) => `'${id}' = any (array[t.sender_id, t.recipient_id])`, {
    leaves: (user) => {
      const own = (name: string, side: string, rest: string) =>
        `case when t.${side} is not distinct from '${user.id}' then t.${name} else ${rest} end as ${name}`;
      return [
        'id, conversation_id',
        other('sender_id', user),
        other('recipient_id', user),
        own('sender_phone', 'sender_id', "'[redacted]'"),
        own('recipient_phone', 'recipient_id', "'[redacted]'"),
        own('recipient_ip', 'recipient_id', 'null'),
        'body',
      ].join(', ');
    },
  }),
  table('calls', 'call_history', ({ id }) => `'${id}' = any (array[t.caller_id, t.callee_id])`, {
    leaves: () => `id, caller_id, callee_id, '[redacted]' as callee_number, seconds`,
  }),
  table('comments', 'messages', column('user_id')),
  table('team_members', 'business_information', column('user_id')),
  table('teams', 'business_information', ({ id }) => {
    return `t.lead_no in (select m.id from team_members m where m.user_id = '${id}')`;
  }),
  table('activity', 'usage_data', column('user_id')),
  table('support_tickets', 'support_tickets', column('user_id')),
  table('private_notes', 'other', column('user_id'), { visible: 'not t.hidden' }),
];

/** Tables of the fixture that hold users' rows but are excluded. */
export const TRUTH_EXCLUDED = ['public.moderation_queue'];

/** Storage objects of a user, as a condition on `o`. */
export function truthFiles({ id }: TruthUser): string {
  return `(o.owner_id = '${id}' or o.owner = '${id}' or (o.bucket_id = 'documents' and o.name like '${id}/%'))`;
}

/** `select …` of the rows that must leave, in no order; the oracle of exports. */
export function truthQuery(truth: TruthTable, user: TruthUser): string {
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const conditions = [truth.mine(user), truth.visible ?? 'true'].join(' and ');
  return `select ${truth.leaves?.(user) ?? '*'} from ${quote(truth.schema)}.${quote(truth.table)} t where ${conditions}`;
}

/** Into a database of the template `holdfast`, as role postgres. Takes under a second. */
export async function installSubjectTruthSet(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { TimeZone: 'UTC' } });
  try {
    await sql.unsafe(await readFile(FIXTURE, 'utf8')).simple();
  } finally {
    await sql.end({ timeout: 5 });
  }
}
