import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErasureEntry, markOf } from '../../../supabase/functions/_shared/domain/erasure-entry.ts';
import type { Subject } from '../../../supabase/functions/_shared/domain/subject.ts';
import { erasedPerson } from '../../../supabase/functions/_shared/restore/erased-person.ts';

const ID = '5eed0000-0000-4000-a000-000000000001';
const OTHER = '5eed0000-0000-4000-a000-000000000002';
const EMAIL = 'ann@example.com';
const BEFORE = { takenAt: '2026-01-01T00:00:00Z' };
const AFTER = { takenAt: '2026-03-01T00:00:00Z' };
const ENTRY = {
  subject: { id: markOf('id', ID), email: markOf('email', EMAIL), phone: null },
  erased_at: '2026-02-01T00:00:00.000Z',
} as ErasureEntry;

function found({ ids = [] as string[], emails = [] as string[], accounts = [] as Subject[] }) {
  const texts = {
    id: new Map(ids.map((id) => [markOf('id', id), id])),
    email: new Map(emails.map((email) => [markOf('email', email), email])),
    phone: new Map<string, string>(),
  };
  return { texts, accounts };
}

test('an address counts in a backup of before the erasure, with and without the account', () => {
  const without = erasedPerson(ENTRY, found({ emails: [EMAIL] }), BEFORE);
  assert.deepEqual(without, { subjects: { ids: [], emails: [EMAIL], phones: [] }, unclear: [] });
  const account = { id: ID, email: EMAIL, phone: null };
  const withAccount = erasedPerson(ENTRY, found({ ids: [ID], emails: [EMAIL], accounts: [account] }), BEFORE);
  assert.deepEqual(withAccount, { subjects: { ids: [ID], emails: [EMAIL], phones: [] }, unclear: [] });
});

test('in a backup of after the erasure the address is somebody else, with or without an account', () => {
  const nobody = { subjects: { ids: [], emails: [], phones: [] }, unclear: [] };
  assert.deepEqual(erasedPerson(ENTRY, found({ emails: [EMAIL] }), AFTER), nobody);
  const account = { id: OTHER, email: EMAIL, phone: null };
  assert.deepEqual(erasedPerson(ENTRY, found({ emails: [EMAIL], accounts: [account] }), AFTER), nobody);
});

test('a backup that was made while the erasure went on still has the id, and then the address counts', () => {
  assert.deepEqual(erasedPerson(ENTRY, found({ ids: [ID], emails: [EMAIL] }), AFTER).subjects.emails, [EMAIL]);
});

test('an address that another account has is never erased; where it may have been theirs, that is said', () => {
  const account = { id: OTHER, email: EMAIL, phone: null };
  const { subjects, unclear } = erasedPerson(ENTRY, found({ emails: [EMAIL], accounts: [account] }), BEFORE);
  assert.deepEqual(subjects, { ids: [], emails: [], phones: [] });
  assert.match(unclear.join(), /e-mail address of the erased person stay, because another account has it/);
});

test('the address that the account had when the backup was made counts too, though it was another at the erasure', () => {
  const account = { id: ID, email: 'ann@old.example', phone: '4912345' };
  const { subjects } = erasedPerson(ENTRY, found({ ids: [ID], emails: [EMAIL], accounts: [account] }), BEFORE);
  assert.deepEqual(subjects, { ids: [ID], emails: ['ann@old.example', EMAIL], phones: ['4912345'] });
});
