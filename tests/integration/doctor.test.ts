/** The doctor on a real stack: well when all is well, and each real cause is found and named with what mends it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import postgres, { type Sql } from 'postgres';
import { runDoctor } from '../../scripts/cli/doctor/run-doctor.ts';
import { type Stack, startStack } from '../../scripts/dev/stack/start-stack.ts';
import { NO_S3 } from '../support/rgw/test-s3.ts';
import { runScript } from '../support/run-script.ts';

interface Answer {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface JsonFinding {
  readonly examination: string;
  readonly name: string;
  readonly state: string;
  readonly message: string;
  readonly mend: string | null;
}

test('the doctor', { skip: NO_S3 }, async (t) => {
  let stack: Stack;
  let sql: Sql;

  before(async () => {
    stack = await startStack({ rows: 0, workerEnv: { ALERT_OF_THE_TEST: 'http://127.0.0.1:9/x' } });
    sql = postgres(stack.env.DATABASE_URL!, { max: 1, onnotice: () => {} }) as unknown as Sql;
  });

  after(async () => {
    await sql?.end();
    await stack?.stop();
  });

  async function examine(args: string[], changed: Record<string, string | undefined> = {}): Promise<Answer> {
    const written = { stdout: '', stderr: '' };
    const environment: Record<string, string | undefined> = { ...stack.env, ...changed };
    const exit = await runDoctor({
      args,
      environment: (name) => environment[name],
      terminal: {
        stdout: { write: (text: string) => (written.stdout += text) },
        stderr: { write: (text: string) => (written.stderr += text) },
      },
    });
    return { exit, ...written };
  }

  async function problems(only: string, changed: Record<string, string | undefined> = {}): Promise<JsonFinding[]> {
    const answer = await examine(['--json', '--only', only], changed);
    const { findings } = JSON.parse(answer.stdout) as { findings: JsonFinding[] };
    const found = findings.filter(({ state }) => state === 'problem');
    assert.equal(answer.exit, found.length > 0 ? 1 : 0);
    for (const { mend } of found) assert.ok(mend, 'a problem says what mends it');
    return found;
  }

  /** Breaks something, sees it named, mends it with what the doctor said where that is SQL, and sees it gone. */
  async function brokenAndMended(only: string, breaking: string, named: RegExp): Promise<void> {
    await sql.unsafe(breaking);
    const [found, ...others] = await problems(only);
    assert.deepEqual(others, []);
    assert.match(found!.message, named);
    await sql.unsafe(found!.mend!);
    assert.deepEqual(await problems(only), []);
  }

  await t.test('finds nothing wrong with a stack that is whole, and says so', async () => {
    const answer = await examine([]);
    assert.equal(answer.exit, 0, answer.stdout);
    assert.match(answer.stdout, /0 problems/);
    assert.match(answer.stdout, /backup-worker: answers/);
    assert.doesNotMatch(answer.stdout, new RegExp(stack.env.BACKUP_S3_SECRET_ACCESS_KEY!));
  });

  await t.test('finds an API role that may use our schema', () =>
    brokenAndMended('access', 'grant usage on schema backup to authenticated', /authenticated/),
  );
  await t.test('finds a table of ours without row level security', () =>
    brokenAndMended('access', 'alter table backup.ticket disable row level security', /backup\.ticket/),
  );
  await t.test('finds each table of ours in public without it', async () => {
    for (const name of [
      'backup_log',
      'backup_verification',
      'backup_tests',
      'security_events_log',
      'system_health_alerts',
    ]) {
      const breaking = `alter table public.${name} disable row level security`;
      await brokenAndMended('access', breaking, new RegExp(`off for ${name}`));
    }
  });
  await t.test('finds a private function that everybody may call', () =>
    brokenAndMended('access', 'grant execute on function backup.tick() to public', /backup\.tick\(\)/),
  );
  await t.test('finds a heartbeat that is not scheduled', () =>
    brokenAndMended('schedule', "select cron.unschedule('holdfast-tick')", /is not there/),
  );
  await t.test('finds a heartbeat that is switched off', () =>
    brokenAndMended(
      'schedule',
      "select cron.alter_job((select jobid from cron.job where jobname = 'holdfast-tick'), active := false)",
      /switched off/,
    ),
  );
  await t.test('finds a heartbeat that beats too seldom, and one that calls something else', async () => {
    const alter = (change: string) =>
      `select cron.alter_job((select jobid from cron.job where jobname = 'holdfast-tick'), ${change})`;
    await brokenAndMended('schedule', alter("schedule := '0 * * * *'"), /each minute.* at 0 \* \* \* \*/);
    await brokenAndMended('schedule', alter("command := 'select 1'"), /it is 'select 1'/);
  });
  await t.test('sees the heartbeat of a pg_cron that records nothing of its runs', async () => {
    const heartbeat = async () => {
      await sql`delete from cron.job_run_details`;
      const { findings } = JSON.parse((await examine(['--json', '--only', 'schedule'])).stdout) as {
        findings: JsonFinding[];
      };
      return findings.find(({ name }) => name === 'heartbeat');
    };
    await sql`select backup.tick()`;
    const admin = postgres(stack.env.ADMIN_DATABASE_URL!, { max: 1, onnotice: () => {} });
    try {
      await admin`alter role postgres set cron.log_run = 'off'`;
      const found = await heartbeat();
      assert.deepEqual([found?.state, /^the last one was \d+ seconds ago$/.test(found?.message ?? '')], ['ok', true]);
    } finally {
      await admin`alter role postgres reset cron.log_run`;
      await admin.end();
    }
  });
  await t.test('finds that nothing would back everything up, and a pause that nobody will end', async () => {
    await brokenAndMended('schedule', "select backup.schedule_set('daily-full', p_enabled => false)", /no full backup/);
    await sql`select backup.schedule_pause('daily-full')`;
    const { findings } = JSON.parse((await examine(['--json', '--only', 'schedule'])).stdout) as {
      findings: JsonFinding[];
    };
    const paused = findings.find(({ name }) => name === 'schedule daily-full');
    assert.deepEqual([paused?.state, paused?.message], ['warning', 'is paused without an end']);
    await sql.unsafe(paused!.mend!);
    assert.deepEqual(await problems('schedule'), []);
  });
  await t.test('finds that nothing would back everything up while another schedule is paused', async () => {
    await sql`select backup.schedule_pause('weekly-critical')`;
    await brokenAndMended('schedule', "select backup.schedule_set('daily-full', p_enabled => false)", /no full backup/);
    await sql`select backup.schedule_resume('weekly-critical')`;
  });

  await t.test('finds a function that a migration should have made', async () => {
    const [saved] = await sql`select pg_get_functiondef('backup.dispatch()'::regprocedure) as definition`;
    await sql`drop function backup.dispatch()`;
    const [found] = await problems('migrations');
    assert.match(found!.message, /backup\.dispatch \(20260101000400/);
    await sql.unsafe(saved!.definition);
    assert.deepEqual(await problems('migrations'), []);
  });

  await t.test('finds functions that are not where the database calls them', async () => {
    const [saved] = await sql`select value from backup.setting where name = 'functions_url'`;
    await sql`update backup.setting set value = '"http://127.0.0.1:9/functions/v1"' where name = 'functions_url'`;
    const found = await problems('functions');
    assert.ok(found.some(({ name, message }) => name === 'backup-worker' && /does not answer/.test(message)));
    await sql`delete from backup.setting where name = 'functions_url'`;
    assert.match((await problems('functions'))[0]!.mend!, /select backup\.configure/);
    await sql`insert into backup.setting (name, value) values ('functions_url', ${sql.json(saved!.value)})`;
    assert.deepEqual(await problems('functions'), []);
  });

  await t.test('finds that nobody would hear of a failure, and takes a channel that a rule reaches', async () => {
    const found = async () => {
      const { findings } = JSON.parse((await examine(['--json', '--only', 'alerts'])).stdout) as {
        findings: JsonFinding[];
      };
      return findings
        .filter(({ examination }) => examination === 'alerts')
        .map(({ name, state, message }) => `${state} ${name}: ${message}`);
    };
    assert.match((await found()).join('\n'), /^warning channels: there is no channel/);
    await sql`select backup.alert_channel_set('chat', 'slack', 'ALERT_NOT_THERE')`;
    const lost = (await found()).join('\n');
    assert.match(lost, /^warning channels: no rule that is switched on/);
    assert.match(lost, /^problem channel chat: .*ALERT_NOT_THERE/m);
    assert.match(lost, /^warning dead man's switch/m);
    await sql`select backup.alert_channel_set('chat', p_secret_name => 'ALERT_OF_THE_TEST')`;
    await sql`select backup.alert_rule_set('problems', p_channels => '{chat}')`;
    await sql`select backup.alert_channel_set('alive', 'ping', 'ALERT_OF_THE_TEST', '{"mode": "heartbeat"}')`;
    await sql`
      insert into backup.alert_delivery (subject, channel, kind, message, state, error)
      values ('problem:x', 'chat', 'open', '{}', 'failed', 'ALERT_REFUSED: it answered 404')`;
    assert.deepEqual(await found(), [
      'ok channels: rules send to chat',
      "ok dead man's switch: a channel pings: silence is noticed outside",
      'ok alert secrets: the functions have the secret of every channel',
      'warning last message to chat: was not delivered: ALERT_REFUSED: it answered 404',
    ]);
    await sql`delete from backup.alert_delivery where subject = 'problem:x'`;
    const alone = await examine(['--json', '--only', 'alerts'], { SUPABASE_SERVICE_ROLE_KEY: undefined });
    assert.match(alone.stdout, /"skipped"/);
    await sql`select backup.alert_channel_remove(name) from backup.alert_channel`;
  });

  await t.test(
    'tells apart channels that nothing reaches, and its mend takes nothing away from the rules',
    async () => {
      const found = async () => {
        const { findings } = JSON.parse((await examine(['--json', '--only', 'alerts'])).stdout) as {
          findings: JsonFinding[];
        };
        return (name: string) => findings.find((one) => one.name === name);
      };
      const mend = async ({ mend }: JsonFinding) => {
        const [program, args] = mend!.split(' -- ');
        assert.equal(program, 'npm run backup:alerts');
        const words = args!.split(' ').map((word) => word.replace(/^'(.*)'$/, '$1'));
        const { code, stderr } = await runScript('alerts.ts', words, { DATABASE_URL: stack.env.DATABASE_URL! });
        assert.equal(code, 0, stderr);
      };
      const channelsOf = async (name: string) =>
        (await sql`select channels from backup.alert_rule where name = ${name}`)[0]?.channels;
      await sql`delete from backup.alert_rule`;
      for (const name of ['chat', 'night', 'boss', 'deploys', 'team']) {
        await sql`select backup.alert_channel_set(${name}, 'slack', 'ALERT_OF_THE_TEST')`;
      }
      // No rule at all.
      await mend((await found())('channels')!);
      assert.equal((await found())('channels')!.state, 'ok');
      await sql`
      select backup.alert_rule_set('problems', p_channels => '{chat}', p_escalate_after => '1 hour', p_escalate_to => '{boss}')`;
      await sql`select backup.alert_rule_set('success', '{backup_completed}', 'info', '{deploys}')`;
      const lost = (await found())('unused channels')!;
      assert.equal(lost.message, 'no rule sends to night, team');
      await mend(lost);
      assert.deepEqual(
        await channelsOf('problems'),
        ['chat', 'night', 'team'],
        'not what other rules reach on purpose',
      );
      assert.equal((await found())('unused channels'), undefined);
      // The rule is there and off.
      await sql`delete from backup.alert_rule where name = 'success'`;
      await sql`select backup.alert_rule_set('problems', p_enabled => false)`;
      await mend((await found())('channels')!);
      assert.equal((await found())('channels')!.state, 'ok');
      await sql`select backup.alert_channel_remove(name) from backup.alert_channel`;
    },
  );

  await t.test('finds a service key of another project', async () => {
    const [found] = await problems('functions', { SUPABASE_SERVICE_ROLE_KEY: 'another' });
    assert.match(found!.message, /not the one of this project/);
  });

  await t.test('finds a bucket that is not there, a wrong secret, and values that break their rule', async () => {
    assert.match((await problems('store', { BACKUP_S3_BUCKET: 'nowhere-at-all' }))[0]!.message, /nowhere-at-all/);
    const [denied] = await problems('store', { BACKUP_S3_SECRET_ACCESS_KEY: 'wrong-secret-of-mine' });
    assert.doesNotMatch(JSON.stringify(denied), /wrong-secret-of-mine/);
    const named = await problems('configuration', { BACKUP_S3_BUCKET: 'x', BACKUP_S3_REGION: 'a b' });
    assert.deepEqual(named.map(({ name }) => name).sort(), ['BACKUP_S3_BUCKET', 'BACKUP_S3_REGION']);
  });

  await t.test('finds a key that has expired', async () => {
    const [found] = await problems('keys', {
      BACKUP_PGP_PUBLIC_KEYS: expiredKey(),
      BACKUP_PGP_PUBLIC_KEYS_FILE: undefined,
    });
    assert.match(found!.message, /expired on 20/);
  });

  await t.test('says what it could not look at where the database does not answer, and goes on', async () => {
    const answer = await examine(['--json'], { DATABASE_URL: 'postgres://postgres:secret-word@127.0.0.1:9/postgres' });
    assert.equal(answer.exit, 1);
    const { findings } = JSON.parse(answer.stdout) as { findings: JsonFinding[] };
    assert.equal(findings.find(({ examination }) => examination === 'migrations')!.state, 'skipped');
    assert.ok(findings.some(({ examination, state }) => examination === 'store' && state === 'ok'));
    assert.doesNotMatch(answer.stdout, /secret-word/);
  });

  await t.test('says that an empty database lacks the installation', async () => {
    await sql`create database bare`;
    const url = new URL(stack.env.DATABASE_URL!);
    url.pathname = '/bare';
    const [found] = await problems('migrations', { DATABASE_URL: url.href });
    assert.equal(found!.mend, 'npx supabase db push');
  });

  await t.test('refuses what it does not know with exit code 2', async () => {
    for (const args of [['--only', 'nothing'], ['--fast'], ['more']]) {
      const answer = await examine(args);
      assert.equal(answer.exit, 2, args.join(' '));
    }
    assert.equal((await examine(['--help'])).exit, 0);
  });
});

/** Made by GnuPG an hour after its birth in 2020. */
function expiredKey(): string {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-gpg-'));
  const gpg = (...args: string[]) =>
    execFileSync(
      'gpg',
      ['--homedir', home, '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', '', ...args],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
  try {
    gpg(
      '--faked-system-time',
      '20200101T000000!',
      '--quick-generate-key',
      'Old <old@example.com>',
      'rsa2048',
      'default',
      '1d',
    );
    return gpg('--armor', '--export', 'old@example.com');
  } finally {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    rmSync(home, { recursive: true, force: true });
  }
}
