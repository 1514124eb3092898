/** What Supabase Auth keeps of a user, mapped without anybody's decision. A row of backup.subject_source replaces its table's. */
import type { SubjectPath, SubjectSource } from '../domain/subject-types.ts';

const ofColumn = (column: string, key?: string): SubjectPath => [
  {
    columns: [column],
    to: { schema: 'auth', table: 'users', columns: ['id'] },
    ...(key === undefined ? {} : { key }),
  },
];

function source(table: string, category: string, path: SubjectPath): SubjectSource {
  return {
    schema: 'auth',
    table,
    category,
    paths: [path],
    readAs: 'owner',
    erase: 'delete',
    keepReason: null,
    keepFor: null,
    columns: [],
  };
}

export const AUTH_SOURCES: readonly SubjectSource[] = [
  source('users', 'profile', ofColumn('id')),
  source('identities', 'profile', ofColumn('user_id')),
  source('sessions', 'sign_in_history', ofColumn('user_id')),
  source('mfa_factors', 'sign_in_history', ofColumn('user_id')),
  source('audit_log_entries', 'sign_in_history', ofColumn('payload', 'actor_id')),
];
