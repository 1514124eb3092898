/** Every runbook as written, against the disaster that it is for, with backups in a real S3 bucket. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { NO_S3, openTestS3, type TestS3 } from '../../support/rgw/test-s3.ts';
import { ROOT } from '../../support/run-script.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { exportJson, type Keyring, makeKeyring, run, temporaryDirectory } from '../export/export-harness.ts';
import { blocksOf, runBlocks, runbookNames, textOf } from './runbooks-harness.ts';

const MAJOR = POSTGRES_MAJORS[0]!;
const USER_TABLE = 'public.user_roles';

let s3: TestS3;
let keys: Keyring;
let out: string;

const psql = (database: TestDatabase, sql: string): string =>
  run('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', database.adminUrl, '-c', sql]).toString().trim();

/** What the tables hold, apart from what every export adds. */
const contentOf = (database: TestDatabase, tables: readonly string[]): string[] =>
  tables.map((table) =>
    psql(database, `select count(*), md5(string_agg(t::text, '|' order by t::text)) from ${table} t`),
  );

const WHOLE = ['auth.users', 'public.users', 'public.bookings', 'public.booking_payments', 'storage.objects'];

interface Scene {
  readonly source: TestDatabase;
  readonly target: TestDatabase;
  readonly reports: string;
}

interface Runbook {
  readonly name: string;
  readonly tables: readonly string[];
  /** SQL that brings the disaster about in the source; null: the source is dropped. */
  readonly disaster: string | null;
  readonly into: 'source' | 'target';
  readonly env?: (scene: Scene) => Record<string, string>;
  readonly also?: (scene: Scene) => void;
}

const jobsOn = ({ target }: Scene) => {
  assert.equal(psql(target, `select count(*) from cron.job where active and jobname = 'refresh-monthly-revenue'`), '1');
};

const SCENES: readonly Runbook[] = [
  {
    name: 'database-corruption.md',
    tables: WHOLE,
    disaster: `update public.bookings set customer_name = 'garbage'; delete from public.booking_payments`,
    into: 'target',
    also: jobsOn,
  },
  {
    name: 'complete-loss.md',
    tables: WHOLE,
    disaster: null,
    into: 'target',
    also(scene) {
      jobsOn(scene);
      assert.equal(psql(scene.target, 'select bool_and(success) from public.backup_tests'), 't');
      assert.ok(Number(psql(scene.target, 'select count(*) from public.backup_log')) >= 1);
    },
  },
  { name: 'region-outage.md', tables: WHOLE, disaster: null, into: 'target', also: jobsOn },
  {
    name: 'data-breach.md',
    tables: WHOLE,
    disaster: `update auth.users set encrypted_password = 'of the stranger'; update public.booking_payments set amount = 0`,
    into: 'target',
    also: jobsOn,
  },
  {
    name: 'failed-migration.md',
    tables: ['public.booking_payments', 'public.installment_payments', 'public.bookings'],
    disaster: `alter table public.booking_payments rename column amount to cents;
      update public.booking_payments set cents = cents + 1; update public.installment_payments set due_on = due_on + 1`,
    into: 'source',
    env({ reports }) {
      const undo = join(reports, 'undo.sql');
      writeFileSync(undo, 'alter table public.booking_payments rename column cents to amount;');
      return { TABLES: 'public.booking_payments,public.installment_payments', UNDO_SQL: undo };
    },
  },
  {
    name: 'storage-loss.md',
    tables: ['storage.buckets', 'storage.objects', 'public.bookings'],
    disaster: `set storage.allow_delete_query = 'true'; delete from storage.objects`,
    into: 'source',
    also({ source, reports }) {
      const lines = readFileSync(join(reports, 'files.csv'), 'utf8').trim().split('\n');
      assert.equal(lines.length - 1, Number(psql(source, 'select count(*) from storage.objects')));
    },
  },
  {
    name: 'deleted-table-or-user.md',
    tables: ['public.booking_payments', USER_TABLE, 'public.bookings'],
    disaster: `drop table public.booking_payments cascade;
      delete from ${USER_TABLE} where user_id = (select min(user_id::text)::uuid from ${USER_TABLE})`,
    into: 'source',
    env: ({ source }) => ({
      TABLE: 'public.booking_payments',
      USER_TABLE,
      USER_COLUMN: 'user_id',
      USER_ID: psql(source, `select min(user_id::text) from ${USER_TABLE}`),
    }),
  },
];

describe('a runbook brings back what its disaster took', { skip: NO_S3 }, () => {
  before(async () => {
    s3 = await openTestS3();
    keys = makeKeyring();
    out = temporaryDirectory();
    writeFileSync(join(out, 'private.asc'), keys.gpg(['--armor', '--export-secret-keys']));
    writeFileSync(join(out, 'public.asc'), keys.publicKeys);
  });
  after(async () => {
    await s3?.stop();
    keys?.dispose();
    if (out) rmSync(out, { recursive: true, force: true });
  });
  for (const runbook of SCENES) test(runbook.name, () => play(runbook));
});

async function play(runbook: Runbook): Promise<void> {
  const source = await createTestDatabase({ major: MAJOR, template: 'demo' });
  const target = await createTestDatabase({ major: MAJOR, template: 'supabase' });
  const reports = join(out, runbook.name);
  mkdirSync(reports);
  const scene = { source, target, reports };
  try {
    const { made, env } = await backUp(scene);
    const known = contentOf(source, runbook.tables);
    const own = runbook.env?.(scene) ?? {};
    if (runbook.disaster === null) await source.drop();
    else psql(source, runbook.disaster);
    const { code, stdout, stderr } = await runBlocks(
      runbook.name,
      named(runbook.name, { ...env, BACKUP_ID: made, ...own }),
    );
    assert.equal(code, 0, stdout + stderr);
    const restored = runbook.into === 'source' ? source : target;
    assert.deepEqual(contentOf(restored, runbook.tables), known, stdout);
    runbook.also?.(scene);
  } finally {
    if (runbook.disaster !== null) await source.drop();
    await target.drop();
  }
}

async function backUp({ source, target, reports }: Scene) {
  const bucket: Record<string, string> = {
    BACKUP_S3_ENDPOINT: s3.endpoint,
    BACKUP_S3_REGION: 'us-east-1',
    BACKUP_S3_BUCKET: await s3.createBucket(),
    BACKUP_S3_ACCESS_KEY_ID: s3.accessKeyId,
    BACKUP_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    BACKUP_PGP_PUBLIC_KEYS_FILE: join(out, 'public.asc'),
    DATABASE_URL: source.url,
  };
  const made = await exportJson(['--mode', 'full'], bucket);
  const env = {
    ...bucket,
    BACKUP_PGP_PRIVATE_KEYS_FILE: join(out, 'private.asc'),
    RESTORE_TARGET_URL: target.url,
    REPORTS: reports,
  };
  return { made: made.backup_id as string, env };
}

/** Only what the table of the runbook names: a variable that it forgets is missing here too. */
function named(name: string, env: Record<string, string>): Record<string, string> {
  const text = textOf(name);
  const rows = new Set([...text.matchAll(/^\| `\$([A-Z0-9_]+)` \|/gm)].map(([, variable]) => variable));
  return Object.fromEntries(Object.entries(env).filter(([key]) => key.startsWith('BACKUP_S3_') || rows.has(key)));
}

test('every runbook has a scene here', () => {
  const scenes = SCENES.map(({ name }) => name);
  assert.deepEqual(
    runbookNames()
      .filter((name) => name !== 'README.md')
      .sort(),
    scenes.sort(),
  );
  for (const name of scenes) assert.ok(blocksOf(name).length >= 3, name);
});

test('no runbook names an npm script, a script file or an option that does not exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const helps = new Map<string, string>();
  const helpOf = (file: string, command: string) => {
    const key = `${file} ${command}`;
    if (!helps.has(key)) {
      const args = ['--import', 'tsx', file, ...(command ? [command] : []), '--help'];
      const { stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
      helps.set(key, stdout);
    }
    return helps.get(key)!;
  };
  let seen = 0;
  for (const name of runbookNames()) {
    for (const [, script, file, args = ''] of textOf(name).matchAll(
      /(?:npm run ([\w:]+) --|npx tsx (scripts\/[\w./-]+))([^\n`|]*)/g,
    )) {
      const path = file ?? /^node --import tsx (\S+)/.exec(scripts[script!] ?? '')?.[1];
      assert.ok(path, `${name}: npm run ${script}`);
      const command = path.endsWith('catalogue.ts') ? (/^\s*([a-z]+)/.exec(args)?.[1] ?? '') : '';
      const help = helpOf(path, command);
      assert.notEqual(help, '', `${name}: ${path}`);
      for (const [option] of args.matchAll(/--[a-z][a-z-]*/g)) {
        assert.match(help, new RegExp(`^ +${option}\\b(?!-)`, 'm'), `${name}: ${path} ${option}`);
      }
      seen += 1;
    }
  }
  assert.ok(seen > 20, `${seen}`);
});
