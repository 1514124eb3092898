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

const FIRST = POSTGRES_MAJORS[0]!;

/** A database with one table of one row, and its archive. */
async function smallArchive(options: { value?: string; encrypted?: boolean; format?: 'copy' | 'json' | 'csv' } = {}) {
  const server = await testServerUrl(FIRST);
  const name = `hf_restore_small_${suffix}`;
  const url = createDatabase(server, name);
  psql(url, `${SOURCE_AUTH}\n${PRE_DATA.split('\n').slice(1).join('\n')}`);
  psql(
    url,
    `insert into public.single select ${options.value ?? "'one'"};\nset session_replication_role = replica;\n${POST_DATA}`,
  );
  const { format = 'copy', encrypted = false } = options;
  const folder = mkdtempSync(join(root, 'archive-'));
  const codec = 'zstd';
  const path = await makeArchive({ url, folder, format, codec, cipher: encrypted ? cipher : plainCipher() });
  const target = createDatabase(server, `hf_restore_small_target_${suffix}`);
  psql(target, TARGET_AUTH);
  const drop = () => {
    for (const one of [name, `hf_restore_small_target_${suffix}`]) dropDatabase(server, one);
  };
  return { path, url, target, drop };
}

test('wrong usage is said, and --help works without a target', async () => {
  const { path, drop } = await smallArchive();
  try {
    assert.equal(restore(path, ['--help']).status, 0);
    assert.match(restore(path, ['--help']).out, /Usage: sh restore\.sh/);
    assert.equal(restore(path, []).status, 2);
    assert.match(restore(path, ['--jobs', '4', 'postgres://x']).err, /unknown option: --jobs/);
    assert.equal(restore(path, ['--passphrase-file', '/nowhere', 'postgres://x']).status, 2);
    assert.equal(restore(path, ['postgres://nobody:secret@127.0.0.1:1/x']).status, 2);
    const bin = mkdtempSync(join(root, 'bin-'));
    const tools = 'sh dirname mktemp rm psql sed tr awk'.split(' ');
    spawnSync('sh', ['-c', `for tool in ${tools.join(' ')}; do ln -s "$(command -v $tool)" ${bin}; done`]);
    assert.match(restore(path, ['postgres://x'], { PATH: bin }).err, /the program 'zstd', which is not installed/);
    for (const shell of [
      ['dash', '-n'],
      ['bash', '--posix', '-n'],
    ] as const) {
      assert.equal(spawnSync(shell[0], [...shell.slice(1), join(path, 'restore.sh')]).status, 0, shell[0]);
    }
  } finally {
    drop();
  }
});

test('a password in the URL reaches psql, decoded, but not its arguments', async () => {
  const { path, target, drop } = await smallArchive();
  try {
    const bin = mkdtempSync(join(root, 'bin-'));
    const real = spawnSync('sh', ['-c', 'command -v psql']).stdout.toString().trim();
    const script = `#!/bin/sh\nprintf '%s|' "$PGPASSWORD" "$@" >>'${bin}/log'\nprintf '\\n' >>'${bin}/log'\nexec '${real}' "$@"\n`;
    writeFileSync(join(bin, 'psql'), script, { mode: 0o755 });
    const url = new URL(target);
    const password = decodeURIComponent(url.password);
    // PostgreSQL asks for none of these characters here; they are to survive the way.
    url.password = encodeURIComponent(`${password}@/:?#% é'`);
    restore(path, [url.href], { PATH: `${bin}:${process.env.PATH}` });
    const [first] = readFileSync(join(bin, 'log'), 'utf8').split('\n');
    const [given, ...args] = first!.split('|');
    assert.equal(given, `${password}@/:?#% é'`);
    assert.equal(args.join(' ').includes(url.password), false);
    assert.match(args.join(' '), new RegExp(`-d \\S+://${url.username}@`));
    assert.equal(
      restore(path, [], { TARGET_DATABASE_URL: target }).status,
      0,
      'the target may come from the environment',
    );
  } finally {
    drop();
  }
});

for (const format of ['copy', 'json', 'csv'] as const) {
  test(`a value of 60 MB comes back from ${format}`, async () => {
    const value = String.raw`repeat(E'0123456789 "quoted" \ back
\.
', 2000000)`;
    const { path, url, target, drop } = await smallArchive({ value, format });
    try {
      const { status, out, err } = restore(path, [target]);
      assert.equal(status, 0, out + err);
      const digest = 'select length(v), md5(v) from public.single;';
      assert.equal(psql(target, digest).toString(), psql(url, digest).toString());
    } finally {
      drop();
    }
  });
}

test('what RESTORE.md says to do by hand works as written', async () => {
  const { path, target, drop } = await smallArchive({ encrypted: true });
  try {
    const guide = readFileSync(join(path, 'RESTORE.md'), 'utf8');
    assert.match(guide, new RegExp(fingerprint));
    psql(target, PRE_DATA.split('\n').slice(1).join('\n'));
    const example = /For instance:\n\n```sh\n([\s\S]*?)```/.exec(guide)![1]!.replace('TARGET', '"$TARGET"');
    const shell = spawnSync('sh', ['-c', example], { cwd: path, env: { ...keyring.env, TARGET: target } });
    assert.equal(shell.status, 0, example + shell.stderr);
  } finally {
    drop();
  }
});
