import { quoteIdentifier, quoteLiteral } from './identifiers.ts';

/** The search_path that PostgREST gives a request: functions that policies call may rely on it. */
const SEARCH_PATH = "set local search_path = 'public', 'extensions'";

/**
 * Statements after which a transaction sees what a request to the project's API sees: role, claims in PostgREST's new
 * way and in the old, row level security. Until the transaction, or the savepoint before it, ends.
 */
export function becomeApiRole({ role, subject }: { role: string; subject: string | null }): string {
  const claims = JSON.stringify(subject === null ? { role } : { sub: subject, role });
  const settings = [
    ['request.jwt.claims', claims],
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
