/** Drills by the function apply the erasure ledger that is beside the backups, and their reports say what it did. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { entryKey, entryText } from '../../supabase/functions/_shared/archive/erasure-entry-file.ts';
import { storeErasureEntry } from '../../supabase/functions/_shared/archive/store-erasure-entry.ts';
import { type ErasureEntry, markOf } from '../../supabase/functions/_shared/domain/erasure-entry.ts';
import { TOOL } from '../../supabase/functions/_shared/domain/tool.ts';
import { storeOf } from '../support/store-of.ts';
import { type DrillStack, startDrillStack } from './backup-restore-harness.ts';

let drills: DrillStack;
let backupId: string;

before(async () => {
  drills = await startDrillStack({ rows: 300 });
  await drills.sql`insert into auth.users (id, email, aud, role) values (${PERSON}, 'gone@example.com', 'authenticated', 'authenticated')`;
  await drills.sql.unsafe(`create table public.diary (id int primary key, user_id uuid references auth.users on delete cascade);
    insert into public.diary select n, '${PERSON}' from generate_series(1, 7) as n`);
  backupId = await drills.backUp();
});
after(() => drills?.stop());

const PERSON = '5eed0000-0000-4000-a000-0000000000aa';

function entryOf(position: number, previous: string | null): ErasureEntry {
  const hop = { columns: ['user_id'], to: { schema: 'auth', table: 'users', columns: ['id'] } };
  const row = { action: 'delete' as const, columns: [], unlink: [], keep: null };
  return {
    version: 1,
    erasure_id: `00000000-0000-4000-8000-00000000000${position}`,
    position,
    previous_sha256: previous,
    subject: { id: markOf('id', PERSON), email: null, phone: null },
    erased_at: new Date().toISOString(),
    actions: [
      { ...row, schema: 'public', table: 'diary', paths: [[hop]] },
      { ...row, schema: 'auth', table: 'users', paths: [[{ ...hop, columns: ['id'] }]] },
    ],
    files: { folderBuckets: [] },
    tool: TOOL,
  };
}

async function put(entry: ErasureEntry, text = entryText(entry)): Promise<string> {
  await storeErasureEntry(storeOf(drills.stack.env), { key: entryKey(entry), text, signer: null });
  return createHash('sha256').update(text).digest('hex');
}

const erasuresOf = (drill: { report: { checks: { name: string }[] } }) =>
  drill.report.checks.find(({ name }) => name === 'erasures') as unknown as {
    verdict: string;
    detail: string;
    findings: string[];
  };

test('a drill erases again whoever is in the ledger, and its report has the rows', async () => {
  await put(entryOf(1, null));
  const drill = await drills.follow(await drills.start({ backup_id: backupId }));
  assert.equal(drill.status, 'passed', JSON.stringify(drill.errors));
  const check = erasuresOf(drill);
  assert.equal(check.verdict, 'passed', JSON.stringify(check));
  // The demo's trigger made a row of public.users for the account; it goes with it.
  assert.match(check.detail, /^1 erasures of .* were applied: 1 people were in the backup, 9 rows/);
  assert.match(check.findings.join(), /public\.diary 7, auth\.users 1, by foreign keys 1/);
});

test('a changed entry fails the drill and is named', async () => {
  const entry = entryOf(1, null);
  await put(entry, entryText(entry).replace('"delete"', '"keep"'));
  const drill = await drills.follow(await drills.start({ backup_id: backupId }));
  assert.equal(drill.status, 'failed', JSON.stringify(drill.report?.checks));
  const check = erasuresOf(drill);
  assert.equal(check.verdict, 'failed');
  assert.ok(check.findings.some((finding) => finding.includes(entry.erasure_id)));
});
