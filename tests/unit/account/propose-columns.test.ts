import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proposeColumns } from '../../../supabase/functions/_shared/account/discover/propose-columns.ts';
import type { GraphTable } from '../../../supabase/functions/_shared/account/discover/subject-graph.ts';

const table = (...names: string[]) =>
  ({
    schema: 'public',
    table: 'roles',
    columns: names.map((name) => ({ name, type: 'text' })),
  }) as unknown as GraphTable;
const rules = (proposals: ReturnType<typeof proposeColumns>) =>
  proposals.map(({ column, rule, unlessOwn }) => `${column} ${rule} ${unlessOwn}`);

test('the one column that makes a row somebody’s names nobody else, and needs no rule', () => {
  const roles = table('user_id', 'user_email', 'granted_by', 'granted_by_name');
  const proposed = proposeColumns(roles, ['user_id', 'granted_by'], 'user_id');
  assert.deepEqual(rules(proposed), ['granted_by hash granted_by', 'granted_by_name redact granted_by']);
});

test('of several columns that do, each may name another', () => {
  const proposed = proposeColumns(table('sender_id', 'recipient_id'), ['sender_id', 'recipient_id'], null);
  assert.deepEqual(rules(proposed), ['sender_id hash sender_id', 'recipient_id hash recipient_id']);
});
