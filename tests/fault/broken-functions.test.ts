/** Functions that are configured wrongly: the run fails with the reason, at once, and nothing is called a backup. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import postgres from 'postgres';
import { rgwInstalled } from '../../scripts/dev/stack/rgw.ts';
import { type Stack, startStack } from '../../scripts/dev/stack/start-stack.ts';
import { followRun, hurry } from '../support/operator.ts';

const CASES: { title: string; env: Record<string, string>; code: string; message: RegExp; attempts: number }[] = [
  {
    title: 'several settings that make no sense are all named',
    env: { BACKUP_SLICE_BYTES: 'lots', BACKUP_S3_BUCKET: '', BACKUP_PGP_PUBLIC_KEYS: 'not a key' },
    code: 'CONFIG_INVALID',
    message: /BACKUP_PGP_PUBLIC_KEYS.*BACKUP_S3_BUCKET.*BACKUP_SLICE_BYTES/,
    attempts: 1,
  },
  {
    title: 'a wrong key of the bucket is not tried again',
    env: { BACKUP_S3_SECRET_ACCESS_KEY: 'this-is-not-the-secret-of-the-bucket' },
    code: 'STORE_DENIED',
    message: /./,
    attempts: 1,
  },
  {
    title: 'a store that does not answer is tried again and then given up',
    env: { BACKUP_S3_ENDPOINT: 'http://127.0.0.1:9' },
    code: 'STORE_UNREACHABLE',
    message: /./,
    attempts: 3,
  },
  {
    title: 'without a key nothing is stored unless somebody said so',
    env: { BACKUP_PGP_PUBLIC_KEYS: '' },
    code: 'CONFIG_INVALID',
    message: /BACKUP_ALLOW_UNENCRYPTED/,
    attempts: 1,
  },
];

const started: Stack[] = [];
after(async () => {
  for (const stack of started) await stack.stop();
});

for (const { title, env, code, message, attempts } of CASES) {
  // The S3 server of npm looks at no signature.
  const skip = code === 'STORE_DENIED' && !rgwInstalled() ? 'radosgw is not installed' : false;
  test(title, { skip, timeout: 180_000 }, async () => {
    const stack = await startStack({ rows: 100, workerEnv: env });
    started.push(stack);
    const sql = postgres(stack.env.DATABASE_URL!, { max: 1, onnotice: () => {} });
    try {
      await hurry(sql, 30);
      await sql`update backup.setting set value = '1' where name = 'run_attempts'`;
      const [row] = await sql`select public.create_manual_backup('broken', null) as id`;
      const ended = await followRun(sql, row!.id, 150_000);
      assert.equal(ended.status, 'failed');
      const error = ended.row.error as { code: string; message: string; hint: string };
      assert.equal(error.code, code, JSON.stringify(error));
      assert.match(error.message, message);
      assert.ok(error.hint.length > 10);
      assert.doesNotMatch(JSON.stringify(error), /this-is-not-the-secret/, 'no secret in an error');
      const [plan] = await sql`select attempts from backup.task where backup_id = ${row!.id} and kind = 'plan'`;
      assert.equal(plan!.attempts, attempts);
      const [alert] =
        await sql`select severity, event_data from public.system_health_alerts where alert_type = 'backup_failed'`;
      assert.equal(alert!.severity, 'critical');
      assert.equal(alert!.event_data.error.code, code);
    } finally {
      await sql.end();
    }
  });
}
