import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchSecret } from '../../../supabase/functions/_shared/http/match-secret.ts';

test('a secret matches when it is one of those accepted, and no other does', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string()), (presented, accepted) => {
      const expected = presented !== '' && accepted.includes(presented);
      assert.equal(matchSecret(presented, accepted), expected);
    }),
  );
});

test('the same key configured twice still matches', () => {
  assert.equal(matchSecret('sb_secret_1', ['sb_secret_1', 'other', 'sb_secret_1']), true);
});

test('an empty secret matches nothing, not even an empty configuration value', () => {
  assert.equal(matchSecret('', ['']), false);
  assert.equal(matchSecret('', []), false);
});

test('a part, a longer text and another case of the key do not match', () => {
  for (const wrong of ['sb_secret', 'sb_secret_12', 'SB_SECRET_1', ' sb_secret_1', 'sb_secret_1\0']) {
    assert.equal(matchSecret(wrong, ['sb_secret_1']), false, wrong);
  }
});
