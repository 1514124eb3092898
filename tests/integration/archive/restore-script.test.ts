/** restore.sh against real servers: everything comes back in every format, and whatever is wrong stops it in time. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createCipher, plainCipher } from '../../../supabase/functions/_shared/archive/cipher.ts';
import { POSTGRES_MAJORS, testServerUrl } from '../../support/postgres-server.ts';
import { createKeyring, ECC } from '../../unit/archive/keyring.ts';
import { columnList, POST_DATA, PRE_DATA, ROWS, relation, SOURCE_AUTH, TABLES, TARGET_AUTH } from './hard-database.ts';
import { makeArchive } from './make-archive.ts';
import { createDatabase, dropDatabase, psql } from './psql.ts';

const keyring = createKeyring();
const root = mkdtempSync(join(tmpdir(), 'holdfast-restore-'));
const suffix = `${process.pid}`;
const fingerprint = keyring.generate([...ECC, 'Name-Real: Restorer']);
const cipher = await createCipher(keyring.exportPublic(fingerprint));

after(() => {
  keyring.close();
  rmSync(root, { recursive: true, force: true });
});

/** The password goes into the URL, because the script must keep it out of psql's arguments. */
function restore(folder: string, args: string[], env: NodeJS.ProcessEnv = {}) {
  const result = spawnSync('sh', [join(folder, 'restore.sh'), ...args], {
    cwd: root,
    env: { ...keyring.env, TMPDIR: root, ...env },
    maxBuffer: 1 << 28,
  });
  return { status: result.status, out: result.stdout.toString(), err: result.stderr.toString() };
}

/** All rows of the tables that are not the platform's, in an order that does not depend on where they lie. */
function contentOf(url: string): string {
  const copies = TABLES.filter((table) => !table.managed).map((table) => {
    // Without columns COPY prints empty lines, so the count stands beside them.
    const list = [...(table.columns.length > 0 ? [columnList(table.columns)] : []), 'count(*) over ()'].join(', ');
    return `copy (select ${list} from only ${relation(table)} t order by t::text collate "C") to stdout;`;
  });
  return psql(url, copies.join('\n')).toString();
}

const COMBINATIONS = [
  { format: 'copy', codec: 'zstd', encrypted: true },
  { format: 'json', codec: 'gzip', encrypted: true },
  { format: 'csv', codec: 'gzip', encrypted: false },
  { format: 'copy', codec: 'none', encrypted: false },
  { format: 'json', codec: 'zstd', encrypted: false },
] as const;

for (const major of POSTGRES_MAJORS) {
  const database = (name: string) => `hf_restore_${name}_${major}_${suffix}`;
  let server: string;
  let source: string;

  before(async () => {
    server = await testServerUrl(major);
    source = createDatabase(server, database('source'));
    psql(source, `${SOURCE_AUTH}\n${PRE_DATA.split('\n').slice(1).join('\n')}\n${ROWS}\n${POST_DATA}`);
  });
  after(() => {
    for (const name of ['source', 'target']) dropDatabase(server, database(name));
  });

  const emptyTarget = () => {
    const target = createDatabase(server, database('target'));
    psql(target, TARGET_AUTH);
    return target;
  };
  const archive = (options: { format: 'copy' | 'json' | 'csv'; codec: 'zstd' | 'gzip' | 'none'; encrypted: boolean }) =>
    makeArchive({
      url: source,
      folder: mkdtempSync(join(root, 'archive-')),
      format: options.format,
      codec: options.codec,
      cipher: options.encrypted ? cipher : plainCipher(),
    });

  for (const combination of COMBINATIONS) {
    const { format, codec, encrypted } = combination;
    test(`PostgreSQL ${major}: ${format}, ${codec}, ${encrypted ? 'encrypted' : 'plain'}: every value comes back`, async () => {
      const folder = await archive(combination);
      const target = emptyTarget();
      const { status, out, err } = restore(folder, [target]);
      assert.equal(status, 0, out + err);
      assert.equal(contentOf(target), contentOf(source), out);
      assert.match(out, /auth\.users: the target has no column gone_column/);
      assert.match(out, /auth\.users: 1 of 60 rows were in the target already/);
      const users = psql(target, "select count(*), count(*) filter (where new_column = 'new') from auth.users;");
      assert.equal(users.toString(), '60|60\n');
      assert.equal(psql(target, 'select email from auth.users where id = 1;').toString(), 'already@there\n');
      assert.equal(psql(target, "select nextval('public.orders_id_seq');").toString(), '778\n');
      const constraints = "select count(*) from pg_catalog.pg_constraint where contype in ('p', 'f');";
      assert.equal(psql(target, constraints).toString(), psql(source, constraints).toString());
      assert.equal(psql(target, 'select count(*) from pg_catalog.pg_policy;').toString(), '1\n');
      assert.equal(existsSync(join(root, 'pwned')) || existsSync(join(folder, 'pwned')), false);
      assert.deepEqual(
        readdirSync(root).filter((name) => name.startsWith('tmp.')),
        [],
        'temporary files stay behind',
      );
    });
  }

  test(`PostgreSQL ${major}: a damaged object is found before the target is touched`, async () => {
    const folder = await archive({ format: 'copy', codec: 'zstd', encrypted: true });
    const victim = join(
      folder,
      'tables',
      readdirSync(join(folder, 'tables')).find((name) => name.startsWith('public.people'))!,
    );
    const bytes = readFileSync(victim);
    bytes[bytes.length - 3]! ^= 1;
    writeFileSync(victim, bytes);
    const target = emptyTarget();
    const { status, out, err } = restore(folder, [target]);
    assert.equal(status, 5, out + err);
    assert.match(err, /public\.people.*FAILED/);
    assert.equal(psql(target, "select count(*) from pg_catalog.pg_class where relname = 'people';").toString(), '0\n');

    const unchecked = restore(folder, ['--skip-checksums', target]);
    assert.notEqual(unchecked.status, 0, 'a message whose checksum at the end is wrong must not be restored');
    assert.equal(psql(target, 'select count(*) from public.people;').toString(), '0\n', 'nothing of it was committed');
  });

  test(`PostgreSQL ${major}: a cut-off object never leaves half a table, encrypted or not`, async () => {
    for (const encrypted of [true, false]) {
      const folder = await archive({ format: 'copy', codec: 'gzip', encrypted });
      const name = readdirSync(join(folder, 'tables')).find((one) => one.startsWith('public.orders.0002'))!;
      const victim = join(folder, 'tables', name);
      const bytes = readFileSync(victim);
      writeFileSync(victim, bytes.subarray(0, bytes.length - 20));
      const target = emptyTarget();
      const { status } = restore(folder, ['--skip-checksums', target]);
      assert.notEqual(status, 0);
      assert.equal(psql(target, 'select count(*) from public.orders;').toString(), '0\n');
      rmSync(victim);
      assert.equal(restore(folder, [target]).status, 5, 'a missing object is damage too');
    }
  });

  test(`PostgreSQL ${major}: a target with tables is refused and left alone`, async () => {
    const folder = await archive({ format: 'copy', codec: 'none', encrypted: false });
    const target = emptyTarget();
    psql(target, 'create table public.mine (a integer);');
    const { status, err } = restore(folder, [target]);
    assert.equal(status, 2);
    assert.match(err, /not empty.*\n.*public\.mine/);
    assert.equal(restore(folder, ['--force', target]).status, 0);
  });

  test(`PostgreSQL ${major}: a target without the platform's tables is told so before anything starts`, async () => {
    const folder = await archive({ format: 'csv', codec: 'none', encrypted: false });
    const target = createDatabase(server, database('target'));
    const { status, err } = restore(folder, [target]);
    assert.equal(status, 2);
    assert.match(err, /auth\.users/);
    assert.equal(psql(target, "select count(*) from pg_catalog.pg_class where relname = 'people';").toString(), '0\n');
    const skipped = restore(folder, ['--skip-missing-managed', target]);
    assert.match(skipped.out, /auth\.users: left out/);
    // The foreign key to auth.users cannot be made, and that is said, not hidden.
    assert.equal(skipped.status, 1);
    assert.match(skipped.err, /"auth"|auth\.users/);
  });

  test(`PostgreSQL ${major}: without the private key nothing starts`, async () => {
    const folder = await archive({ format: 'copy', codec: 'zstd', encrypted: true });
    const stranger = createKeyring();
    try {
      const { status, err } = restore(folder, [emptyTarget()], { GNUPGHOME: stranger.home });
      assert.equal(status, 2);
      assert.match(err, new RegExp(`needs the private key of ${fingerprint}`));
    } finally {
      stranger.close();
    }
  });
}

test('wrong usage is said, and --help works without a target', async () => {
  const server = await testServerUrl(POSTGRES_MAJORS[0]!);
  const source = `hf_restore_source_${POSTGRES_MAJORS[0]}_${suffix}`;
  const url = new URL(server);
  url.pathname = `/${source}`;
  const folder = await makeArchive({
    url: url.href,
    folder: mkdtempSync(join(root, 'archive-')),
    format: 'copy',
    codec: 'none',
    cipher: plainCipher(),
  });
  assert.equal(restore(folder, ['--help']).status, 0);
  assert.match(restore(folder, ['--help']).out, /Usage: sh restore\.sh/);
  assert.equal(restore(folder, []).status, 2);
  assert.equal(restore(folder, ['--jobs', '4', 'postgres://x']).status, 2);
  assert.equal(restore(folder, ['postgres://nobody:secret%40pass@127.0.0.1:1/x']).status, 2);
  assert.equal(spawnSync('dash', ['-n', join(folder, 'restore.sh')]).status, 0);
  assert.equal(spawnSync('bash', ['--posix', '-n', join(folder, 'restore.sh')]).status, 0);
});
