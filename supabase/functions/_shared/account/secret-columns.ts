/** Columns that never leave unless the owner wrote a rule for them: what lets somebody in is no information about a person. */

/** Of Supabase Auth these columns leave and no others: what a later version adds may be a secret. */
const AUTH_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  users: [
    ...['id', 'role', 'email', 'phone', 'email_confirmed_at', 'phone_confirmed_at', 'confirmed_at', 'invited_at'],
    ...['confirmation_sent_at', 'recovery_sent_at', 'email_change', 'email_change_sent_at', 'phone_change'],
    ...['phone_change_sent_at', 'last_sign_in_at', 'raw_app_meta_data', 'raw_user_meta_data', 'created_at'],
    ...['updated_at', 'banned_until', 'is_sso_user', 'is_anonymous', 'deleted_at'],
  ],
  identities: [
    ...['id', 'user_id', 'provider', 'provider_id', 'identity_data', 'email', 'last_sign_in_at'],
    ...['created_at', 'updated_at'],
  ],
  sessions: [
    'id',
    'user_id',
    'created_at',
    'updated_at',
    'aal',
    'not_after',
    'refreshed_at',
    'user_agent',
    'ip',
    'tag',
  ],
  mfa_factors: [
    ...['id', 'user_id', 'friendly_name', 'factor_type', 'status', 'phone', 'created_at', 'updated_at'],
    'last_challenged_at',
  ],
  audit_log_entries: ['id', 'payload', 'created_at', 'ip_address'],
};

/** On the name in snake case. `tokens` alone counts what a language model used. */
const SECRET_NAME = new RegExp(
  `(^|_)(${[
    'passw(or)?d(s|_hash)?|passwd|pwd|pass_?phrase|pass_?code|secrets?|credentials?|salt|nonce|seed_?phrase|mnemonic',
    'tokens?_?hash|token|(access|refresh|api|auth|session|device|push|reset|id)_?tokens',
    '(api|private|secret|access|signing|encryption|service|ssh|license)_?keys?|(key|api_key)_hash|jwt',
    '(backup|recovery|security|verification|confirmation|scratch|reset|totp|otp|mfa)_?codes?|totp|otp|mfa_?seed',
    'security_answers?|cvv|cvc|pin|pin_?(code|hash)',
  ].join('|')})$`,
);
const SECRET_PREFIX = /^(encrypted|hashed)_(password|passwd|pwd|secret|token|key|pin)/;
/** `encrypted_password_v2`, `secret_value`, `token_hash_2`: what surrounds the word says little. */
const SECRET_INSIDE =
  /(^|_)(password|passwd|private_key|api_key|secret_key|backup_codes?|recovery_codes?)(_(hash|value|digest|salt|enc|encrypted|v?\d+))*$/;
const SECRET_VALUE = /(^|_)(secret|token)_(hash|value|digest|enc|encrypted|v?\d+)$/;
/** `password_changed_at`, `token_count`: times, numbers and switches are no secrets, except the short codes. */
const HARMLESS_TYPES =
  /^(boolean|smallint|integer|bigint|numeric|real|double precision|date|interval|time(stamp)?( .*)?)$/;
const SHORT_CODE = /(^|_)(otp|pin|cvv|cvc|pin_?code|pass_?code|otp_?code|(verification|security)_?code)$/;

/** `type` as format_type() has it. Pure. */
export function isSecretColumn(column: { schema: string; table: string; name: string; type: string }): boolean {
  if (column.schema === 'vault') return true;
  if (column.schema === 'auth' && Object.hasOwn(AUTH_COLUMNS, column.table)) {
    return !AUTH_COLUMNS[column.table]!.includes(column.name);
  }
  const name = snakeCase(column.name);
  if (SHORT_CODE.test(name)) return true;
  if (HARMLESS_TYPES.test(column.type.replace(/\([^)]*\)/, ''))) return false;
  return [SECRET_NAME, SECRET_PREFIX, SECRET_INSIDE, SECRET_VALUE].some((pattern) => pattern.test(name));
}

/** `backupCodes`, `Backup Codes` and `APIKey` are `backup_codes` and `api_key`. */
function snakeCase(name: string): string {
  return name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1_$2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1_$2')
    .replace(/[\s.\-/]+/g, '_')
    .toLowerCase();
}
