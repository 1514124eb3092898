/** Every format and codec, from the functions into a restored database: a row of every type, and pg_dump as the judge. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import postgres from 'postgres';
import { restoreInto } from '../../scripts/dev/demo/restore-archive.ts';
import { comparePgDump } from '../../scripts/dev/oracle/dump-digest.ts';
import { type Stack, startStack } from '../../scripts/dev/stack/start-stack.ts';
import type { CodecName, FormatName } from '../../supabase/functions/_shared/domain/formats.ts';
import type { Manifest } from '../../supabase/functions/_shared/domain/manifest-types.ts';
import { copyFolder } from '../support/copy-folder.ts';
import { everyTypeSql } from '../support/every-type.ts';
import { followRun } from '../support/operator.ts';
import { PLATFORM_SCHEMAS, UNSTEADY_TABLES } from '../support/restored-project.ts';
import { storeOf } from '../support/store-of.ts';

interface Case {
  readonly format: FormatName;
  readonly codec: CodecName;
}

const CASES = [
  { format: 'copy', codec: 'zstd' },
  { format: 'copy', codec: 'none' },
  { format: 'json', codec: 'gzip' },
  { format: 'csv', codec: 'gzip' },
] satisfies Case[];

for (const major of [17, 15] as const) {
  describe(`PostgreSQL ${major}`, () => {
    test('a project with a row of every type comes back whole from every format', { timeout: 240_000 }, async (t) => {
      const stack = await startStack({ pg: major, rows: 300, workers: 6 });
      const sql = postgres(stack.env.DATABASE_URL!, { max: 1, onnotice: () => {} });
      t.after(async () => {
        await sql.end();
        await stack.stop();
      });
      for (const statement of everyTypeSql()) await sql.unsafe(statement);
      for (const { format, codec } of CASES) {
        await t.test(`${format}, ${codec}`, () => roundTrip({ stack, sql, major }, { format, codec }));
      }
    });
  });
}

async function roundTrip(
  { stack, sql, major }: { stack: Stack; sql: postgres.Sql; major: 15 | 17 },
  { format, codec }: Case,
): Promise<void> {
  // What JSON cannot say is left out of the comparison of rows, and looked for in the manifest instead.
  if (format === 'json')
    await sql`update public.bookings set intake = 'null'::jsonb where id in (select id from public.bookings limit 3)`;
  const request = sql.json({ scope: 'full', cadence: 'manual', format, codec });
  const [row] = await sql`select backup.start_run(${request}) as id`;
  const ended = await followRun(sql, row!.id, 180_000);
  assert.equal(ended.status, 'completed', JSON.stringify(ended.row.error));
  const directory = join(stack.dir, `archive-${format}-${codec}`);
  await copyFolder(storeOf(stack.env), ended.row.folder as string, directory);
  const target = await restoreInto(stack, directory, `restored_${format}_${codec}`);
  if (format === 'json') await forgetJsonNulls(stack, directory);
  const compared = await comparePgDump(stack.env.DATABASE_URL!, target, {
    major: 17,
    rowOrder: 'ignored',
    excludeSchemas: PLATFORM_SCHEMAS,
    args: UNSTEADY_TABLES.map((table) => `--exclude-table-data=${table}`),
  });
  assert.equal(compared.identical, true, `PostgreSQL ${major}: ${compared.difference}`);
  await rm(directory, { recursive: true });
}

/** The manifest names each column and how many; then the source is made to have lost the same. */
async function forgetJsonNulls(stack: Stack, directory: string): Promise<void> {
  const manifest: Manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8'));
  const told = manifest.tables.filter((table) => table.json_null_columns);
  assert.ok(told.some((table) => table.name === 'bookings' && table.json_null_columns!.intake! >= 3));
  const admin = postgres(stack.env.ADMIN_DATABASE_URL!, { max: 1, onnotice: () => {} });
  await admin`set session_replication_role = replica`;
  for (const { schema, name, json_null_columns: columns } of told) {
    for (const [column, count] of Object.entries(columns!)) {
      const lost = await admin`
        update only ${admin(schema)}.${admin(name)} set ${admin(column)} = null where ${admin(column)}::text = 'null' returning 1`;
      assert.equal(lost.length, count, `${schema}.${name}.${column}`);
    }
  }
  await admin.end();
}
