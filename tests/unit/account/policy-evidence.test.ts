import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyEvidence } from '../../../supabase/functions/_shared/account/discover/policy-evidence.ts';

const columns = (...policies: string[]) => [...policyEvidence('messages', policies).columns];

test('columns that policies compare with the caller are found, as PostgreSQL prints the comparison', () => {
  assert.deepEqual(columns('(auth.uid() = user_id)'), ['user_id']);
  assert.deepEqual(columns('(user_id = auth.uid())'), ['user_id']);
  assert.deepEqual(columns('(( SELECT auth.uid() AS uid) = user_id)'), ['user_id']);
  assert.deepEqual(columns('((auth.uid())::text = (owner)::text)'), ['owner']);
  assert.deepEqual(columns('((owner)::text = (( SELECT auth.uid() AS uid))::text)'), ['owner']);
  assert.deepEqual(columns('((auth.uid() = sender_id) OR (recipient_id = auth.uid()))').sort(), [
    'recipient_id',
    'sender_id',
  ]);
  assert.deepEqual(columns('(auth.uid() = "User ""Id""")'), ['User "Id"']);
  assert.deepEqual(columns('(messages.user_id = auth.uid())'), ['user_id']);
});

test('a comparison with a column of another table is no column of this one', () => {
  const policy =
    '(EXISTS ( SELECT 1\n   FROM conversations c\n  WHERE ((c.id = messages.conversation_id) AND (c.user_id = auth.uid()))))';
  const found = policyEvidence('messages', [policy]);
  assert.deepEqual([...found.columns], []);
  assert.equal(found.elsewhere, true);
});

test('a policy that asks for claims says that there is more than columns tell', () => {
  assert.equal(policyEvidence('messages', ["(org = (auth.jwt() ->> 'org'::text))"]).elsewhere, true);
  assert.equal(policyEvidence('messages', ['true', '(auth.uid() = user_id)']).elsewhere, false);
});
