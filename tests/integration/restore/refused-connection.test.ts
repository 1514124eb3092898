/** A server that lets in some of a restore's sessions and refuses the others. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase } from '../../support/template-database.ts';
import { makeKeyring, temporaryDirectory, withSql } from '../export/export-harness.ts';
import { makeBackup, restore } from './restore-harness.ts';

test('a restore to which connections are refused fails with the reason and leaves none open', async () => {
  const keys = makeKeyring();
  const out = temporaryDirectory();
  const [source, target] = await Promise.all(
    ['source', 'target'].map(() => createTestDatabase({ major: POSTGRES_MAJORS[0]!, template: 'empty' })),
  );
  try {
    await withSql(source!.url, (sql) => sql`create table public.a (id int primary key)`);
    const backup = await makeBackup(source!.url, { keys, out });
    await withSql(target!.adminUrl, (sql) => sql.unsafe(`alter database ${target!.name} connection limit 4`));
    for (let attempt = 1; attempt <= 3; attempt++) {
      const report = await restore(backup, target!.url, { jobs: 8 });
      assert.match(report.error!.message, /too many connections/);
    }
  } finally {
    await source!.drop();
    await target!.drop(); // throws where a connection is open
    keys.dispose();
    rmSync(out, { recursive: true, force: true });
  }
});
