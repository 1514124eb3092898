import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { lockTables } from '../../../supabase/functions/_shared/backup/lock-tables.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import { readCatalog } from '../../../supabase/functions/_shared/postgres/read-catalog.ts';
import type { PgSession } from '../../../supabase/functions/_shared/postgres/session.ts';
import { beginSnapshot } from '../../../supabase/functions/_shared/postgres/snapshot.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { withSql } from './export-harness.ts';

let database: TestDatabase;

before(async () => {
  database = await createTestDatabase({ major: POSTGRES_MAJORS[0]!, template: 'empty' });
});

after(() => database.drop());

/** A snapshot, then `change` by somebody else, then the locks. */
async function lockAfter(change: string): Promise<void> {
  await withSql(database.adminUrl, (sql) =>
    sql.unsafe('drop table if exists t, u; create table t as select 1 as a; create table u ()').simple(),
  );
  await withSession(async (session) => {
    await beginSnapshot(session);
    const { tables } = await readCatalog(session);
    await withSql(database.adminUrl, (sql) => sql.unsafe(change));
    await lockTables(session, tables);
  });
}

async function withSession(work: (session: PgSession) => Promise<void>): Promise<void> {
  const session = await openSession(nodePlatform, database.adminUrl);
  try {
    await work(session);
  } finally {
    await session.close();
  }
}

test('a table that was emptied, rewritten or dropped after the snapshot is noticed', async () => {
  for (const change of ['truncate t', 'vacuum full t', 'alter table t alter a type bigint', 'drop table t']) {
    await assert.rejects(lockAfter(change), { code: 'TABLES_CHANGED' }, change);
  }
});

test('rows that come and go, and harmless DDL, are no reason to begin again', async () => {
  for (const change of [
    'insert into t values (2)',
    'delete from t',
    'alter table t add b int',
    'create index on t (a)',
  ]) {
    await lockAfter(change);
  }
});

test('once locked, nobody can empty the table before the snapshot ends', async () => {
  await withSql(database.adminUrl, (sql) =>
    sql.unsafe('drop table if exists t, u; create table t as select 1 as a').simple(),
  );
  await withSession(async (session) => {
    await beginSnapshot(session);
    await lockTables(session, (await readCatalog(session)).tables);
    await assert.rejects(
      withSql(database.adminUrl, (sql) => sql.unsafe("set lock_timeout = '200ms'; truncate t").simple()),
      { code: '55P03' },
    );
  });
});
