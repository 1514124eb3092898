/** What the export stores is what the database has, by gpg, psql, restore.sh and pg_dump. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { comparePgDump } from '../../../scripts/dev/oracle/dump-digest.ts';
import { PLATFORM, TRANSIENT } from '../../support/dumped-project.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import type { TemplateKind } from '../../support/template-database.ts';
import { exportJson, filesIn, type Keyring, run, runExport, withSql } from './export-harness.ts';
import { PLAIN_SCHEMA } from './plain-schema.ts';
import { RoundTrip } from './round-trip-databases.ts';

for (const major of POSTGRES_MAJORS) {
  describe(`export from PostgreSQL ${major}`, () => {
    let keys: Keyring;
    let out: string;
    let round: RoundTrip;

    const database = (template: TemplateKind) => round.database(template);
    const plainDatabase = (name: string, sql?: string) => round.plainDatabase(name, sql);

    before(async () => {
      round = await RoundTrip.begin(major);
      ({ keys, out } = round);
    });

    after(() => round.end());

    test('a Supabase project comes back with restore.sh, and pg_dump sees no difference', async () => {
      const source = await database('demo');
      const env = { DATABASE_URL: source.url, BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys };
      const made = await exportJson(['--mode', 'full', '--out', out], env);
      assert.equal(made.status, 'completed');
      assert.equal(
        made.verified.objects,
        made.objects - 1,
        'all but the manifest itself, whose hash is checked by itself',
      );
      const folder = join(out, made.folder);
      run('sha256sum', ['--check', '--quiet', 'checksums.sha256'], { cwd: folder });
      const target = await database('supabase');
      run('sh', ['restore.sh', target.url], { cwd: folder, env: { GNUPGHOME: keys.home } });
      const options = { rowOrder: 'ignored', excludeSchemas: PLATFORM, args: TRANSIENT } as const;
      const { identical, difference } = await comparePgDump(source.adminUrl, target.adminUrl, options);
      assert.ok(identical, difference);
      const users = (url: string) =>
        withSql(
          url,
          (sql) => sql`select pg_catalog.jsonb_agg(pg_catalog.to_jsonb(u) order by id) as rows from auth.users u`,
        );
      assert.deepEqual(await users(source.adminUrl), await users(target.adminUrl));
    });

    test('each segment, decrypted by gpg, is what psql copies', async () => {
      const source = await database('demo');
      const env = { DATABASE_URL: source.url, BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys };
      const made = await exportJson(['--mode', 'weekly', '--out', out], env);
      const manifest = JSON.parse(readFileSync(join(out, made.folder, 'manifest.json'), 'utf8'));
      assert.equal(manifest.consistency.way, 'own-connection');
      assert.equal(manifest.scope, 'critical');
      for (const table of manifest.tables) {
        const frames = table.segments.map((path: string) => keys.gpg(['--decrypt', join(out, made.folder, path)]));
        const stored = run('zstd', ['-dc'], { input: Buffer.concat(frames) });
        const columns = table.columns.map((name: string) => `"${name}"`).join(', ');
        const copy = `copy (select ${columns} from only "${table.schema}"."${table.name}") to stdout`;
        const settings = '-c timezone=UTC -c extra_float_digits=3 -c intervalstyle=postgres';
        const copied = run('psql', ['-X', '-d', source.adminUrl, '-c', copy], {
          env: { PGOPTIONS: settings, PGCLIENTENCODING: 'UTF8' },
        });
        assert.ok(stored.equals(copied), `${table.schema}.${table.name}`);
        assert.equal(table.rows, copied.toString('latin1').split('\n').length - 1);
      }
    });

    test('plain PostgreSQL with a schema of its own that is called auth comes back whole', async () => {
      const source = await plainDatabase('source_of_copy', PLAIN_SCHEMA);
      const env = { DATABASE_URL: source, BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys };
      const made = await exportJson(['--mode', 'emergency', '--out', out, '--jobs', '3', '--verify', 'deep'], env);
      assert.equal(made.verified.hashed, made.verified.objects);
      const target = await plainDatabase('target_of_copy');
      run('sh', ['restore.sh', target], { cwd: join(out, made.folder), env: { GNUPGHOME: keys.home } });
      const { identical, difference } = await comparePgDump(source, target, { rowOrder: 'ignored' });
      assert.ok(identical, difference);
    });

    test('one SQL file is restored with gpg, zstd and psql alone', async () => {
      const source = await plainDatabase('source_of_sql', PLAIN_SCHEMA);
      const env = { DATABASE_URL: source, BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys };
      const made = await exportJson(['--mode', 'full', '--format', 'sql', '--out', out], env);
      const folder = join(out, made.folder);
      assert.ok(filesIn(folder).includes('database.sql.zst.pgp'), filesIn(folder).join());
      const rows = await withSql(
        source,
        (sql) =>
          sql`select (select count(*) from shop.parts) + (select count(*) from auth.people) + (select count(*) from "Ünï cödé"."tab""le") + (select count(*) from shop.nothing)  + (select count(*) from shop.measurements) as count`,
      );
      assert.equal(made.rows, Number(rows[0]!.count));
      const target = await plainDatabase('target_of_sql');
      const text = run('zstd', ['-dc'], { input: keys.gpg(['--decrypt', join(folder, 'database.sql.zst.pgp')]) });
      run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', target], { input: text });
      const { identical, difference } = await comparePgDump(source, target, { rowOrder: 'ignored' });
      assert.ok(identical, difference);
      const again = await plainDatabase('target_of_script');
      run('sh', ['restore.sh', again], { cwd: folder, env: { GNUPGHOME: keys.home } });
      assert.ok((await comparePgDump(source, again, { rowOrder: 'ignored' })).identical);
    });

    test('rows and tables that were asked for, as JSON and CSV', async () => {
      const source = await database('demo');
      const env = { DATABASE_URL: source.url };
      const asked = [
        '--mode',
        'on-demand',
        '--tables',
        'bookings',
        '--where',
        'bookings.status=confirmed',
        '--no-encrypt',
        '--out',
        out,
      ];
      const [{ count }] = (await withSql(
        source.adminUrl,
        (sql) => sql`select count(*)::int as count from bookings where status = 'confirmed'`,
      )) as unknown as [{ count: number }];
      assert.ok(count > 0 && count < 2000, `${count}`);
      const json = await exportJson([...asked, '--format', 'json'], env);
      assert.equal(json.rows, count);
      const [segment] = filesIn(join(out, json.folder, 'tables'));
      const envelope = JSON.parse(run('gunzip', ['-c', join(out, json.folder, 'tables', segment!)]).toString());
      assert.equal(envelope.metadata.table_name, 'bookings');
      assert.equal(envelope.metadata.row_count, count);
      assert.equal(envelope.data.length, count);
      assert.ok(envelope.data.every((row: { status: string }) => row.status === 'confirmed'));
      const csv = await exportJson([...asked, '--format', 'csv', '--codec', 'none'], env);
      assert.equal(csv.rows, count);
    });

    test('a table that the role may not read is named, and the rest is a backup with limits', async () => {
      const source = await database('empty');
      await withSql(source.adminUrl, (sql) => sql.unsafe(PLAIN_SCHEMA).simple());
      await withSql(source.adminUrl, (sql) =>
        sql
          .unsafe(`drop role if exists reader_${source.name}; create role reader_${source.name} login password 'reader';
          grant usage on schema shop, auth to reader_${source.name};
          grant select on all tables in schema shop to reader_${source.name}; grant select on all sequences in schema shop to reader_${source.name};
          revoke all on shop.parts from reader_${source.name}`)
          .simple(),
      );
      const url = new URL(source.adminUrl);
      url.username = `reader_${source.name}`;
      url.password = 'reader';
      const env = { DATABASE_URL: url.toString(), BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys };
      try {
        const made = await exportJson(['--mode', 'full', '--out', out], env, 3);
        assert.equal(made.status, 'completed_with_limits');
        const named = made.limits.map((limit: { object: string }) => limit.object);
        for (const table of ['shop.parts', 'auth.people']) assert.ok(named.includes(table), named.join());
        const text = await runExport(['--mode', 'full', '--out', out], env);
        assert.equal(text.code, 3);
        assert.match(text.stdout, /completed with limits[\s\S]*Not in this backup:[\s\S]*shop\.parts/);
      } finally {
        await withSql(source.adminUrl, (sql) =>
          sql.unsafe(`drop owned by reader_${source.name}; drop role reader_${source.name}`).simple(),
        );
      }
    });
  });
}
