/** kill -9 at any moment: the next call of the same command goes on, and nothing is lost or doubled. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { comparePgDump } from '../../../scripts/dev/oracle/dump-digest.ts';
import { PLATFORM, TRANSIENT } from '../../support/dumped-project.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { type CliResult, startScript } from '../../support/run-script.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { type Keyring, makeKeyring, temporaryDirectory, withSql } from '../export/export-harness.ts';
import { type MadeBackup, makeBackup } from './restore-harness.ts';

const MAJOR = POSTGRES_MAJORS[0]!;
const TABLES = 1000;

let keys: Keyring;
let out: string;
let source: TestDatabase;
let backup: MadeBackup;
let keyFile: string;
const targets: TestDatabase[] = [];

async function fresh(): Promise<TestDatabase> {
  const target = await createTestDatabase({ major: MAJOR, template: 'supabase' });
  targets.push(target);
  return target;
}

/** Whether the target has come to where the restore is to be killed. */
type Moment = (sql: postgres.Sql) => Promise<boolean>;

/** Ends the process with SIGKILL when `moment` says so; its code is null when it was killed. */
async function restore(target: TestDatabase, moment?: Moment): Promise<CliResult> {
  const args = [backup.backupId, '--from', join(out, 'store'), '--private-key-file', keyFile, '--activate', '--json'];
  const { child, ended } = startScript('restore.ts', args, { RESTORE_TARGET_URL: target.url });
  if (!moment) return await ended;
  await withSql(target.adminUrl, async (sql) => {
    while (child.exitCode === null) {
      if (await moment(sql)) return child.kill('SIGKILL');
      await sleep(5);
    }
  });
  return await ended;
}

/** True once `least` steps whose names are `like` this are marked as done. */
function marks(like: string, least: number): Moment {
  return async (sql) => {
    const [table] = await sql`select to_regclass('holdfast_restore.mark') is not null as exists`;
    if (!table!.exists) return false;
    const [row] = await sql`select count(*)::int as n from holdfast_restore.mark where step like ${like}`;
    return row!.n >= least;
  };
}

const LOCK = 4711;

/** Makes every VALIDATE CONSTRAINT in the target wait while `work` runs: on a fast machine it is over too soon to be met. */
async function holdingValidations(target: TestDatabase, work: () => Promise<void>): Promise<void> {
  await withSql(target.adminUrl, async (sql) => {
    await sql.unsafe(`
      create schema held;
      create function held.wait() returns event_trigger language plpgsql as $$
      begin
        if current_query() like '%VALIDATE CONSTRAINT%' then perform pg_advisory_xact_lock_shared(${LOCK}); end if;
      end $$;
      create event trigger held on ddl_command_start when tag in ('ALTER TABLE') execute function held.wait();
      select pg_advisory_lock(${LOCK});`);
    await work();
    await sql.unsafe(`drop event trigger held; drop schema held cascade; select pg_advisory_unlock(${LOCK});`);
  });
}

const validationIsHeld: Moment = async (sql) => {
  const [row] = await sql`
    select exists (select from pg_locks where locktype = 'advisory' and objid = ${LOCK} and not granted) as held`;
  return row!.held;
};

before(async () => {
  keys = makeKeyring();
  out = temporaryDirectory();
  keyFile = join(out, 'private.asc');
  writeFileSync(keyFile, keys.gpg(['--armor', '--export-secret-keys']));
  source = await createTestDatabase({ major: MAJOR, template: 'demo' });
  const many = Array.from(
    { length: TABLES },
    (_, index) =>
      `create table many.t${index} (id integer primary key, note text); insert into many.t${index} select n, 'row ' || n from generate_series(1, 20) n;`,
  );
  await withSql(source.url, (sql) => sql.unsafe(`create schema many; ${many.join('\n')}`));
  backup = await makeBackup(source.url, { keys, out: join(out, 'store') });
});

after(async () => {
  await source.drop();
  for (const target of targets) await target.drop();
  keys.dispose();
  rmSync(out, { recursive: true, force: true });
});

test('a thousand tables, killed while rows are loaded, while constraints are built and validated, and again: all come back', async () => {
  const target = await fresh();
  const kill = async (moment: Moment) => {
    const killed = await restore(target, moment);
    assert.equal(killed.code, null, `it was not killed: ${(killed.stdout + killed.stderr).slice(-500)}`);
  };
  await kill(marks('pre-data', 1));
  await kill(marks('segment:%', 300));
  await kill(marks('segment:%', 700));
  await kill(marks('entry:%', 200));
  await kill(marks('entry:%', 900));
  await holdingValidations(target, () => kill(validationIsHeld));
  const last = await restore(target);
  assert.equal(last.code, 0, last.stdout + last.stderr);
  const { identical, difference } = await comparePgDump(source.adminUrl, target.adminUrl, {
    rowOrder: 'ignored',
    excludeSchemas: PLATFORM,
    args: TRANSIENT,
  });
  assert.ok(identical, difference);
});
