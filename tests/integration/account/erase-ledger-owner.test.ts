/** Two databases and one store: whose ledger it is, and that no place of it is ever given twice. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Sql } from 'postgres';
import { executeErasure } from '../../../supabase/functions/_shared/account/erase/execute-erasure.ts';
import { requestErasure } from '../../../supabase/functions/_shared/account/erase/request-erasure.ts';
import { entryText, sha256Of } from '../../../supabase/functions/_shared/archive/erasure-entry-file.ts';
import { readErasureLedger } from '../../../supabase/functions/_shared/archive/read-erasure-ledger.ts';
import { ERASURES_FOLDER, type ErasureEntry } from '../../../supabase/functions/_shared/domain/erasure-entry.ts';
import { HoldfastError } from '../../../supabase/functions/_shared/errors.ts';
import { createDirectoryStore } from '../../../supabase/functions/_shared/stores/directory-store.ts';
import type { Store } from '../../../supabase/functions/_shared/stores/store.ts';
import { temporaryDirectory } from '../export/export-harness.ts';
import { confirmNow, eraseNow } from './erase-harness.ts';
import { type Account, startAccount } from './export-harness.ts';

let production: Account;
let staging: Account;
let out: string;
let store: Store;

before(async () => {
  out = temporaryDirectory();
  store = createDirectoryStore(out);
  production = await startAccount({ store });
  staging = await startAccount({ store });
});
after(async () => {
  await production?.close();
  await staging?.close();
  rmSync(out, { recursive: true, force: true });
});

const sqlOf = ({ sql }: Account) => sql as unknown as Sql;
const ledger = () => readErasureLedger(store, { verificationKeys: null });
const ownId = async (account: Account) =>
  (await sqlOf(account)`select backup.erasure_ledger_id() as id`)[0]!.id as string;

async function person(account: Account): Promise<string> {
  const id = crypto.randomUUID();
  await account.admin`insert into auth.users (id, email) values (${id}, ${`${id}@example.com`})`;
  return id;
}

async function confirmed(account: Account): Promise<{ userId: string; erasureId: string }> {
  const sql = sqlOf(account);
  const userId = await person(account);
  const { erasureId, token } = await requestErasure(sql, { userId, origin: 'operator', reason: null });
  await confirmNow(sql, { userId, erasureId, token });
  return { userId, erasureId };
}

const isCode = (code: string) => (error: unknown) => error instanceof HoldfastError && error.code === code;

async function isThere(account: Account, userId: string): Promise<boolean> {
  return (await account.admin`select from auth.users where id = ${userId}`).length === 1;
}

test('a database keeps its ledger’s id, and a copy of it elsewhere has another', async () => {
  const id = await ownId(production);
  assert.equal(await ownId(production), id);
  assert.notEqual(await ownId(staging), id);
  const sql = sqlOf(staging);
  const [before] = await sql`select value from backup.setting where name = 'erasure_ledger'`;
  const [copied] = await sqlOf(production)`select value from backup.setting where name = 'erasure_ledger'`;
  await sql`update backup.setting set value = ${sql.json(copied!.value)} where name = 'erasure_ledger'`;
  assert.notEqual(await ownId(staging), id);
  await sql`update backup.setting set value = ${sql.json(before!.value)} where name = 'erasure_ledger'`;
});

test('a database that finds the ledger of another one erases nobody until it is told that it took its place', async () => {
  await eraseNow(production.means, await person(production));
  const { userId, erasureId } = await confirmed(staging);
  const means = { ...staging.means, sql: sqlOf(staging) };
  const foreign = await ownId(production);
  await assert.rejects(executeErasure(means, erasureId), (error: HoldfastError) => {
    assert.equal(error.code, 'LEDGER_FOREIGN');
    assert.match(error.hint, new RegExp(`BACKUP_S3_PREFIX.*take_over_erasure_ledger\\('${foreign}'\\)`));
    return true;
  });
  assert.ok(await isThere(staging, userId));
  assert.equal((await ledger()).entries.length, 1);

  await sqlOf(staging).unsafe(`select backup.take_over_erasure_ledger('${foreign}')`);
  await sqlOf(staging).unsafe(`select backup.take_over_erasure_ledger('${foreign}')`);
  const events = await staging.admin`
    select event_data from public.security_events_log where event_type = 'erasure_ledger_taken_over'`;
  assert.equal(events.length, 1);
  await executeErasure(means, erasureId);
  assert.ok(!(await isThere(staging, userId)));
  const { entries, problems } = await ledger();
  assert.deepEqual(problems, []);
  assert.deepEqual(
    entries.map(({ entry }) => entry.ledger_id),
    [foreign, await ownId(staging)],
  );

  // The one whose place was taken is told, and erases nobody either.
  const late = await confirmed(production);
  const lateMeans = { ...production.means, sql: sqlOf(production) };
  await assert.rejects(executeErasure(lateMeans, late.erasureId), isCode('LEDGER_FOREIGN'));
  assert.ok(await isThere(production, late.userId));
  await sqlOf(production)`select backup.take_over_erasure_ledger(${await ownId(staging)})`;
  await executeErasure(lateMeans, late.erasureId);
  assert.deepEqual((await ledger()).problems, []);
});

test('entries of before ledgers had ids are read and taken over as ever', async () => {
  const own = temporaryDirectory();
  try {
    const old = createDirectoryStore(own);
    const { ledger_id: _, ...last } = (await ledger()).entries.at(-1)!.entry;
    const entry: ErasureEntry = { ...last, erasure_id: crypto.randomUUID(), position: 1, previous_sha256: null };
    const text = entryText(entry);
    await old.put(`${ERASURES_FOLDER}/2025/${entry.erasure_id}.json`, new TextEncoder().encode(text));
    const heir = await startAccount({ store: old });
    try {
      await eraseNow(heir.means, await person(heir));
      const { entries, problems } = await readErasureLedger(old, { verificationKeys: null });
      assert.deepEqual(problems, []);
      assert.equal(entries[1]!.entry.previous_sha256, sha256Of(text));
    } finally {
      await heir.close();
    }
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
});

function meetingOfTwo(): () => Promise<void> {
  let arrived = 0;
  let release = () => {};
  const both = new Promise<void>((resolve) => {
    release = resolve;
  });
  return () => {
    arrived += 1;
    if (arrived === 2) release();
    return both;
  };
}

test('of two that write the same place at the same moment at most one goes on, and the ledger stays whole', async () => {
  const accounts = [production, staging];
  const jobs = await Promise.all(accounts.map((account) => confirmed(account)));
  // Both have decided on their place before either writes, and both have written before either looks.
  const [decided, written] = [meetingOfTwo(), meetingOfTwo()];
  const meeting: Store = {
    ...store,
    async put(key, bytes, options) {
      await decided();
      const result = await store.put(key, bytes, options);
      await written();
      return result;
    },
  };
  const before = (await ledger()).entries.length;
  const results = await Promise.allSettled(
    accounts.map((account, n) =>
      executeErasure({ ...account.means, sql: sqlOf(account), store: () => meeting }, jobs[n]!.erasureId),
    ),
  );
  const files = readdirSync(join(out, ERASURES_FOLDER), { recursive: true }).map(String);
  let stopped = 0;
  for (const [n, account] of accounts.entries()) {
    const result = results[n]!;
    const goesOn = result.status === 'fulfilled';
    if (!goesOn) assert.ok(isCode('LEDGER_FORKED')(result.reason), String(result.reason));
    assert.equal(await isThere(account, jobs[n]!.userId), !goesOn);
    assert.equal(
      files.some((file) => file.includes(jobs[n]!.erasureId)),
      goesOn,
    );
    stopped += goesOn ? 0 : 1;
  }
  assert.ok(stopped >= 1);
  assert.deepEqual((await ledger()).problems, []);
  assert.equal((await ledger()).entries.length, before + 2 - stopped);

  // Called again, who stopped gets a place of its own: each was told of the other before.
  for (const [n, account] of accounts.entries()) {
    await executeErasure({ ...account.means, sql: sqlOf(account) }, jobs[n]!.erasureId);
    assert.ok(!(await isThere(account, jobs[n]!.userId)));
  }
  assert.deepEqual((await ledger()).problems, []);
  assert.equal((await ledger()).entries.length, before + 2);
});

test('an entry that was withdrawn between the listing and the reading stands in nobody’s way', async () => {
  const ghost = `${ERASURES_FOLDER}/2026/${crypto.randomUUID()}.json`;
  const haunted: Store = {
    ...store,
    async *list(prefix) {
      yield* store.list(prefix);
      yield { key: ghost, size: 1, lastModified: null };
    },
  };
  const { userId, erasureId } = await confirmed(production);
  await executeErasure({ ...production.means, sql: sqlOf(production), store: () => haunted }, erasureId);
  assert.ok(!(await isThere(production, userId)));
});

test('a new prefix begins with the whole ledger, byte for byte, and entries that a store has lost are put back', async () => {
  const own = temporaryDirectory();
  try {
    const moved = createDirectoryStore(own);
    const before = (await ledger()).entries;
    const first = await confirmed(production);
    await executeErasure({ ...production.means, sql: sqlOf(production), store: () => moved }, first.erasureId);
    const after = await readErasureLedger(moved, { verificationKeys: null });
    assert.deepEqual(after.problems, []);
    const known = new Set(after.entries.map(({ text }) => text));
    for (const { text } of before) assert.ok(known.has(text));
    assert.equal(after.entries.at(-1)!.entry.erasure_id, first.erasureId);

    await moved.delete(after.entries[0]!.key);
    const second = await confirmed(production);
    await executeErasure({ ...production.means, sql: sqlOf(production), store: () => moved }, second.erasureId);
    const healed = await readErasureLedger(moved, { verificationKeys: null });
    assert.deepEqual(healed.problems, []);
    assert.equal(healed.entries[0]!.text, after.entries[0]!.text);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
});
