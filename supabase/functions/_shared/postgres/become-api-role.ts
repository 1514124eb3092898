import { quoteIdentifier, quoteLiteral } from './identifiers.ts';

/** The search_path that PostgREST gives a request: functions that policies call may rely on it. */
const SEARCH_PATH = "set local search_path = 'public', 'extensions'";

export interface ApiIdentity {
  readonly role: string;
  /** The user's id; null for a request without a user. */
  readonly subject: string | null;
  /** More of the token: app_metadata, email … `sub` and `role` are the two above. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/**
 * Statements after which a transaction sees what a request to the project's API sees: role, claims in PostgREST's new
 * way and in the old, row level security. Until the transaction, or the savepoint before it, ends.
 */
export function becomeApiRole({ role, subject, claims = {} }: ApiIdentity): string {
  const token = JSON.stringify({ ...claims, ...(subject === null ? { role } : { sub: subject, role }) });
  const settings = [
    ['request.jwt.claims', token],
    ['request.jwt.claim.sub', subject ?? ''],
    ['request.jwt.claim.role', role],
  ];
  return [
    ...settings.map(([name, value]) => `select set_config(${quoteLiteral(name!)}, ${quoteLiteral(value!)}, true)`),
    'set local row_security = on',
    SEARCH_PATH,
    `set local role ${quoteIdentifier(role)}`,
  ].join('; ');
}
