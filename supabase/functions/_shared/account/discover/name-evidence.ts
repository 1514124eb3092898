/** What names tell. They are hints: what rests on a name alone is never of high confidence. */

/** Columns that name the person a row is about. The same names as in backup.unmapped_subject_tables(). */
export const PERSON_COLUMN =
  /^(auth_|app_)?(user|owner|profile|account|member|customer|client|author|creator|person|subject|employee|patient|student|sender|recipient|receiver|participant|caller|callee|buyer|seller|guest|host|created_by|owned_by|uploaded_by|submitted_by|requested_by|sent_by|booked_by|user_uuid|owner_uuid)(_?(id|uuid|uid))?$/i;

/** Columns that name who handled a row: staff, not whom it is about. */
const HANDLER_COLUMN =
  /^(last_)?(updated|modified|edited|changed|approved|rejected|assigned|reviewed|deleted|archived|invited|moderated|resolved|closed|verified|handled|processed|cancell?ed|locked|granted|revoked)_(by|to)(_?(user)?_?(id|uuid|uid))?$|^(assignee|approver|reviewer|moderator|agent|staff|admin|operator|manager|handler|inviter)(_?(id|uuid|uid))?$/i;

/** Who made a row of a catalogue (a product, a category): what refers to it need not be theirs. */
const MAKER_COLUMN = /^(created_by|creator|author|uploaded_by|submitted_by)(_?(id|uuid|uid))?$/i;

const EMAIL_COLUMN =
  /^((user|customer|contact|client|member|subscriber|recipient|account|owner)_?)?e_?mail(_?address)?$/i;
const PHONE_COLUMN =
  /^((user|customer|contact|client|member|subscriber|recipient|account|owner)_?)?(phone|mobile)(_?(number|no))?$/i;

/** What of a person stands in a column, when its name begins as the column that names them. */
const CONTACT = /(e_?mail|phone|mobile|number|name|address|avatar|photo|picture|ip|location|birth|contact)/i;

export const isHandler = (column: string) => HANDLER_COLUMN.test(column);
export const isMaker = (column: string) => MAKER_COLUMN.test(column);

/** `email`, `phone`, or null: which address of a user the column may hold. */
export function addressOf(column: string): 'email' | 'phone' | null {
  if (EMAIL_COLUMN.test(column)) return 'email';
  return PHONE_COLUMN.test(column) ? 'phone' : null;
}

/** Is it an attribute of the person whom `personColumn` names: `sender_phone` of `sender_id`? */
export function isAttributeOf(column: string, personColumn: string): boolean {
  const person = personColumn.replace(/(_user|_profile|_account)?(_?(id|uuid|uid))$/i, '');
  if (person.length < 2 || !column.toLowerCase().startsWith(person.toLowerCase())) return false;
  return column !== personColumn && CONTACT.test(column.slice(person.length));
}

/** In this order: `support_messages` are support, `invoice_messages` are messages. */
const CATEGORIES: readonly (readonly [category: string, words: RegExp])[] = [
  ['consents', /consent|gdpr|agreement|terms|opt_?(in|out)|newsletter|unsubscrib|cookie/],
  ['support_tickets', /ticket|support|complaint|feedback|helpdesk/],
  ['sign_in_history', /log_?in|sign_?in|auth_(log|event)|device/],
  ['call_history', /(^|_)calls?(_|$)|voicemail|recording|transcript|phone_log/],
  ['messages', /message|chat|conversation|e?mails?(_|$)|sms|notification|comment|thread|(^|_)posts?(_|$)|inbox/],
  ['invoices', /invoice|payment|billing|subscription|order|transaction|payout|receipt|refund|charge|tax(es)?(_|$)/],
  [
    'usage_data',
    /usage|event|analytic|activit|(^|_)logs?(_|$)|session|metric|(^|_)views?(_|$)|click|history|api_(client|key)/,
  ],
  [
    'business_information',
    /business|compan|organi[sz]ation|shop|store|vendor|listing|product|booking|appointment|service|team|tenant|project|staff|employee|workspace|document/,
  ],
  [
    'profile',
    /profile|(^|_)users?(_|$)|account|person|people|customer|member|address|preference|setting|avatar|contact/,
  ],
];

/** The category of a table, by its name; `other` when it says nothing. */
export function categoryOf(table: string): string {
  const name = table.replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1_$2').toLowerCase();
  return CATEGORIES.find(([, words]) => words.test(name))?.[0] ?? 'other';
}
