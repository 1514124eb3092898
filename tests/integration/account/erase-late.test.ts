/** What comes in while an erasure is executed, and what one leaves in our own records and in the store: nothing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sql } from 'postgres';
import type { ErasureCertificate } from '../../../supabase/functions/_shared/account/erase/certificate.ts';
import {
  type ExecuteOptions,
  executeErasure,
} from '../../../supabase/functions/_shared/account/erase/execute-erasure.ts';
import { requestErasure } from '../../../supabase/functions/_shared/account/erase/request-erasure.ts';
import { installSubjectTruthSet, truthUser } from '../../support/subject-truth-set.ts';
import { confirmNow, eraseNow, tracesOf, unblockTruthSet } from './erase-harness.ts';
import { type Account, startAccount } from './export-harness.ts';

let account: Account;
let sql: Sql;

before(async () => {
  account = await startAccount();
  sql = account.sql as unknown as Sql;
  await installSubjectTruthSet(account.database.url);
  await unblockTruthSet(sql);
  await sql.unsafe(`
    create table public.late_notes (id int primary key, user_id uuid references auth.users, note text);
    create table public.loose_notes (id int primary key, user_id uuid, note text);
    create table public.signed_notes (id int primary key, user_id uuid, note text);
    insert into backup.subject_source
    select (jsonb_populate_record(s, jsonb_build_object('table_name', name))).*
    from backup.subject_source s, unnest(array['late_notes', 'loose_notes', 'signed_notes']) as name
    where table_name = 'usage_events';
    update backup.subject_source set erase = 'anonymise' where table_name = 'signed_notes';
    insert into backup.subject_column (schema_name, table_name, column_name, anonymise)
    values ('public', 'signed_notes', 'user_id', 'null'), ('public', 'signed_notes', 'note', 'placeholder')
  `);
});

after(() => account?.close());

async function confirmed(n: number): Promise<string> {
  const userId = truthUser(n).id;
  const { erasureId, token } = await requestErasure(sql, { userId, origin: 'operator', reason: null });
  await confirmNow(sql, { userId, erasureId, token });
  return erasureId;
}

const means = () => ({ ...account.means, sql });

async function execute(id: string, options: ExecuteOptions = {}, changed = means()): Promise<ErasureCertificate> {
  const executed = await executeErasure(changed, id, options);
  assert.equal(executed.state, 'completed');
  return (executed as { certificate: ErasureCertificate }).certificate;
}

const rowsOf = (certificate: ErasureCertificate, name: string) =>
  certificate.tables.find(({ table }) => table === name)?.rows ?? 0;

/** The Auth server, with something that happens just before or after it deletes an account. */
function around(moments: { before?: () => Promise<void>; after?: () => Promise<void> }) {
  const project = {
    ...account.means.project,
    fetch: (async (input, init) => {
      const deletes = init?.method === 'DELETE' && String(input).includes('/auth/');
      if (deletes) await moments.before?.();
      const response = await account.means.project.fetch(input, init);
      if (deletes) await moments.after?.();
      return response;
    }) as typeof fetch,
  };
  return { ...means(), project };
}

test('a row that comes in after the others and holds the account goes too, and is counted', async () => {
  const { id: user } = truthUser(61);
  await sql`insert into public.late_notes values (1, ${user}, 'early')`;
  const id = await confirmed(61);
  const certificate = await execute(id, {
    async onStep(step) {
      if (step === 'rows') await sql`insert into public.late_notes values (2, ${user}, 'late')`;
    },
  });
  assert.equal(rowsOf(certificate, 'late_notes'), 2);
  assert.deepEqual(await tracesOf(account.admin, [user, truthUser(61).email]), []);
});

test('rows, columns and files that come in until the account is gone go after it', async () => {
  const { id: user } = truthUser(62);
  await sql`insert into public.signed_notes values (1, ${user}, 'early'), (2, ${truthUser(63).id}, 'not mine')`;
  const id = await confirmed(62);
  const certificate = await execute(
    id,
    {},
    around({
      async after() {
        await sql`insert into public.loose_notes values (1, ${user}, 'late')`;
        await sql`insert into public.signed_notes values (3, ${user}, 'late')`;
        const name = `${user}/late.txt`;
        await account.upload(user, { bucket: 'documents', name, bytes: new Uint8Array([1, 2, 3]) });
      },
    }),
  );
  assert.equal(rowsOf(certificate, 'loose_notes'), 1);
  assert.ok(certificate.files.count >= 1);
  assert.deepEqual(await tracesOf(account.admin, [user, truthUser(62).email]), []);
  assert.deepEqual(
    [...(await sql`select id, user_id, note from public.signed_notes order by id`)],
    [
      { id: 1, user_id: null, note: 'erased' },
      { id: 2, user_id: truthUser(63).id, note: 'not mine' },
      { id: 3, user_id: null, note: 'erased' },
    ],
  );
});

test('where the Auth server was away for a while, rows that the law keeps and that came in meanwhile are noted too', async () => {
  const { id: user } = truthUser(64);
  const [{ n }] = (await sql`
    select count(*)::int as n from public.invoices where user_id = ${user}`) as unknown as [{ n: number }];
  assert.ok(n > 0);
  const id = await confirmed(64);
  const away = new Error('away');
  const down = around({ before: () => Promise.reject(away) });
  await assert.rejects(executeErasure(down, id), { code: 'PLATFORM_API_FAILED' });
  await sql`insert into public.invoices values (900001, ${user}, 1)`;
  const certificate = await execute(id);
  assert.equal(certificate.kept.find(({ table }) => table === 'invoices')?.rows, n + 1);
  const [kept] = await sql`
    select row_count::int as rows, jsonb_array_length(keys) as keys, keys @> '[["900001"]]' as late
    from backup.erasure_kept where erasure_id = ${id} and table_name = 'invoices'`;
  assert.deepEqual({ ...kept! }, { rows: n + 1, keys: n + 1, late: true });
});

test('an erasure in whose time nothing comes in erases once', async () => {
  const { id: user } = truthUser(65);
  await sql`insert into public.signed_notes values (4, ${user}, 'mine')`;
  await sql.unsafe(`
    create table public.writes (id bigserial, what text);
    create function public.count_write() returns trigger language plpgsql security definer as $$
      begin insert into public.writes (what) values (tg_op); return null; end $$;
    create trigger count_write after update or delete on public.signed_notes
      for each statement execute function public.count_write()`);
  try {
    await execute(await confirmed(65));
    assert.deepEqual(
      [...(await sql`select what, count(*)::int as n from public.writes group by 1`)],
      [{ what: 'UPDATE', n: 1 }],
    );
  } finally {
    await sql.unsafe(`drop trigger count_write on public.signed_notes; drop function public.count_write();
      drop table public.writes`);
  }
});

test('a failed erasure that makes way for a new request locks nobody out, and gives an earlier ban back', async () => {
  for (const [n, ban] of [
    [66, null],
    [67, '2031-01-01'],
  ] as const) {
    const { id: user } = truthUser(n);
    await account.admin`update auth.users set banned_until = ${ban} where id = ${user}`;
    const id = await confirmed(n);
    await sql`select backup.begin_erasure(${id})`;
    const until = async () =>
      (await account.admin`select banned_until::date::text as until from auth.users where id = ${user}`)[0]!.until;
    assert.equal(await until(), '9999-12-31');
    await sql`update backup.erasure set state = 'failed' where erasure_id = ${id}`;
    const asked = await requestErasure(sql, { userId: user, origin: 'operator', reason: null });
    await sql`select backup.cancel_erasure(${user}::uuid, ${asked.erasureId}::uuid)`;
    assert.equal(await until(), ban);
    // The next one remembers the ban as it was, not as the failed one had set it.
    const next = await confirmed(n);
    await sql`select backup.begin_erasure(${next})`;
    await sql`select backup.refuse_erasure(${next}, '{}')`;
    assert.equal(await until(), ban);
  }
});

test('the record of changes does not name the person, alone or within a key of several columns', async () => {
  const { id: user } = truthUser(68);
  const other = truthUser(69).id;
  await sql.unsafe(`
    create table public.keyed (user_id uuid primary key, note text);
    create table public.keyed_twice (team int, user_id uuid, primary key (team, user_id));
    insert into backup.subject_source select (jsonb_populate_record(s, jsonb_build_object('table_name', name))).*
    from backup.subject_source s, unnest(array['keyed', 'keyed_twice']) as name where table_name = 'usage_events';
    select backup.track_table('public.keyed'), backup.track_table('public.keyed_twice');
    insert into public.keyed select unnest(array['${user}', '${other}']::uuid[]), 'x';
    insert into public.keyed_twice select 7, unnest(array['${user}', '${other}']::uuid[])`);
  try {
    await eraseNow(account.means, user);
    const left = await sql`select record_id, operation from backup.change order by record_id`;
    assert.deepEqual(
      [...left],
      [
        { record_id: other, operation: 'INSERT' },
        { record_id: `7,${other}`, operation: 'INSERT' },
      ].sort((a, b) => (a.record_id < b.record_id ? -1 : 1)),
    );
  } finally {
    await sql.unsafe(`delete from backup.subject_source where table_name in ('keyed', 'keyed_twice');
      drop table public.keyed, public.keyed_twice`);
  }
});

test('exports that were queued or made while the erasure was executed leave neither parts nor a name', async () => {
  for (const made of [true, false]) {
    const { id: user } = truthUser(made ? 70 : 71);
    const started = await sql`select backup.start_account_export(${user}, 'stream', 'zip', 'en') ->> 'export_id' as id`;
    const exportId = started[0]!.id as string;
    const part = `exports/${exportId}/000000.part`;
    await execute(await confirmed(made ? 70 : 71), {
      async onStep(step) {
        if (step !== 'files') return;
        await sql`select backup.queue_account_export(${exportId}, ${Buffer.alloc(32)})`;
        if (made)
          await sql`update backup.account_export set state = 'ready', expires_at = now() + interval '5 days' where id = ${exportId}`;
        await account.store.put(part, new Uint8Array([1, 2, 3]));
      },
    });
    assert.deepEqual(await tracesOf(account.admin, [user, truthUser(made ? 70 : 71).email]), []);
    await sql`update backup.job set not_before = now() where kind = 'account_export_deletion' and state = 'pending'`;
    await account.work();
    const keys: string[] = [];
    for await (const { key } of account.store.list('')) keys.push(key);
    assert.ok(!keys.includes(part), keys.join(', '));
  }
});
