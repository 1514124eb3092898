/** Metrics on a real stack: promtool accepts them, they say what the tables say, and only who has the token reads them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Sql } from 'postgres';
import { ensurePromtool } from '../../../scripts/dev/oracle/ensure-promtool.ts';
import { type Stack, startStack } from '../../../scripts/dev/stack/start-stack.ts';
import { createLogger } from '../../../supabase/functions/_shared/log.ts';
import { makeReport } from '../../../supabase/functions/_shared/monitor/make-report.ts';
import { gauge } from '../../../supabase/functions/_shared/monitor/metrics/metric.ts';
import { renderMetrics } from '../../../supabase/functions/_shared/monitor/metrics/render-metrics.ts';
import { serveMetrics } from '../../../supabase/functions/_shared/monitor/metrics/serve-metrics.ts';
import { openAs } from './health-harness.ts';

const DOCS = fileURLToPath(new URL('../../../docs/monitoring/', import.meta.url));
const RULE_TESTS = fileURLToPath(new URL('../../fixtures/monitoring/alert-rules.test.yml', import.meta.url));
const PROMTOOL = await ensurePromtool({ download: false });
/** Not the blocking one: the stack would close connections that fetch believes to be open. */
async function promtool(args: readonly string[], input = ''): Promise<void> {
  const running = promisify(execFile)(PROMTOOL!, args);
  running.child.stdin!.end(input);
  await running;
}

const NO_PROMTOOL = PROMTOOL ? false : 'no promtool: npm test -- --install fetches it';

test('metrics', async (t) => {
  let stack: Stack;
  let sql: Sql;
  let text: string;

  before(async () => {
    stack = await startStack({ rows: 0, s3: 's3rver' });
    sql = openAs(stack.env.DATABASE_URL!);
    for (const [cadence, status] of [
      ['daily', 'completed'],
      ['weekly', 'completed_with_limits'],
      ['daily', 'failed'],
    ]) {
      await sql`
        insert into public.backup_log (backup_id, backup_type, folder, status, stage, started_at, completed_at, raw_bytes, stored_bytes, row_count)
        values (${`${cadence}_20260114_020000_${status === 'failed' ? '00000000' : '11111111'}`}, ${cadence!}, 'folder', ${status!}, 'done',
          '2026-01-14T02:00:00Z', '2026-01-14T02:01:30Z', 3000000000, 800000000, 12345)`;
    }
    await sql`
      insert into public.backup_tests (backup_id, test_type, started_at, completed_at, success)
      values ('daily_20260114_020000_11111111', 'weekly', '2026-01-15T03:00:00Z', '2026-01-15T03:00:42Z', true)`;
    await makeReport({ sql, publicKeys: null });
    const response = await scrape(stack.env.SUPABASE_SERVICE_ROLE_KEY!);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    text = await response.text();
  });

  after(async () => {
    await sql?.end();
    await stack?.stop();
  });

  const scrape = (token: string) =>
    fetch(`${stack.env.SUPABASE_URL}/functions/v1/database-health-monitor/metrics`, {
      headers: { authorization: `Bearer ${token}` },
    });

  const value = (series: string) => {
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    assert.ok(line, `${series} in:\n${text}`);
    return Number(line.slice(series.length + 1));
  };

  await t.test('promtool finds nothing to say against them', { skip: NO_PROMTOOL }, async () => {
    await promtool(['check', 'metrics'], text);
  });

  await t.test('they say what the ledger says', () => {
    assert.equal(value('holdfast_backup_runs{cadence="daily",status="failed"}'), 1);
    assert.equal(value('holdfast_backup_last_duration_seconds{cadence="daily"}'), 90);
    assert.equal(value('holdfast_backup_last_raw_bytes{cadence="weekly"}'), 3_000_000_000);
    assert.equal(
      value('holdfast_backup_last_success_timestamp_seconds{cadence="daily"}'),
      Date.UTC(2026, 0, 14, 2, 1, 30) / 1000,
    );
    assert.equal(value('holdfast_store_bytes'), 1_600_000_000);
    assert.equal(value('holdfast_drill_last_success{kind="weekly"}'), 1);
    assert.equal(value('holdfast_drill_last_duration_seconds{kind="weekly"}'), 42);
    assert.ok(value('holdfast_database_size_bytes') > 1_000_000);
    assert.ok(Math.abs(Date.now() / 1000 - value('holdfast_heartbeat_timestamp_seconds{name="tick"}')) < 300);
  });

  await t.test('every health check is in exactly one state', async () => {
    const states = text.split('\n').filter((line) => line.startsWith('holdfast_check_state{'));
    const checks = await sql`select check_name as name, state from backup.health_state`;
    assert.ok(checks.length > 10);
    for (const { name, state } of checks) {
      const on = states.filter((line) => line.includes(`check="${name}"`) && line.endsWith(' 1'));
      assert.equal(on.length, 1, name);
      assert.match(on[0]!, new RegExp(`state="${state}"`));
    }
  });

  await t.test('dashboard and alert rules ask for metrics that there are', () => {
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    // Those of tables that are empty here have no values yet.
    for (const name of ['holdfast_tasks', 'holdfast_jobs']) known.add(name);
    for (const file of ['grafana-dashboard.json', 'alert-rules.yml']) {
      const asked = [...readFileSync(DOCS + file, 'utf8').matchAll(/\bholdfast_\w+/g)].map(([name]) => name);
      assert.ok(asked.length > 4);
      assert.deepEqual(
        [...new Set(asked)].filter((name) => !known.has(name)),
        [],
        file,
      );
    }
  });

  await t.test('promtool takes the alert rules', { skip: NO_PROMTOOL }, async () => {
    await promtool(['check', 'rules', `${DOCS}alert-rules.yml`]);
  });

  await t.test('each alert rule fires for its cause and is silent without it', { skip: NO_PROMTOOL }, async () => {
    await promtool(['test', 'rules', RULE_TESTS]);
    const tested = readFileSync(RULE_TESTS, 'utf8');
    for (const [, name] of readFileSync(`${DOCS}alert-rules.yml`, 'utf8').matchAll(/- alert: (\w+)/g)) {
      assert.match(tested, new RegExp(`alertname: ${name}\\s+exp_alerts:\\s+- exp_labels`), `${name} is seen to fire`);
    }
  });

  await t.test('strangers, wrong tokens and other methods are refused', async () => {
    const url = `${stack.env.SUPABASE_URL}/functions/v1/database-health-monitor/metrics`;
    assert.equal((await fetch(url)).status, 401);
    assert.equal((await scrape(stack.env.JWT_USER!)).status, 401);
    assert.equal((await scrape(`${stack.env.SUPABASE_SERVICE_ROLE_KEY}x`)).status, 401);
    assert.equal((await fetch(url, { method: 'POST' })).status, 405);
    const refused = await (await fetch(url)).json();
    assert.match(refused.error.hint, /BACKUP_METRICS_TOKEN/);
  });

  await t.test('the service key opens them in the apikey header too, as it does everywhere else', async () => {
    const url = `${stack.env.SUPABASE_URL}/functions/v1/database-health-monitor/metrics`;
    const ask = async (apikey: string) => (await fetch(url, { headers: { apikey } })).status;
    assert.equal(await ask(stack.env.SUPABASE_SERVICE_ROLE_KEY!), 200);
    assert.equal(await ask(stack.env.SUPABASE_ANON_KEY!), 401);
  });

  await t.test('the token for metrics opens them, and an empty one is none', async () => {
    const serve = serveMetrics({ sql: () => sql, tokens: () => ['t'.repeat(32), ''], log: createLogger(() => {}) });
    const ask = (authorization: string) => serve(new Request('http://x/metrics', { headers: { authorization } }));
    assert.equal((await ask(`Bearer ${'t'.repeat(32)}`)).status, 200);
    assert.equal((await ask('Bearer ')).status, 401);
    assert.equal((await ask(`Basic ${'t'.repeat(32)}`)).status, 401);
  });
});

test('label values and help texts are escaped, whatever they hold', { skip: NO_PROMTOOL }, async () => {
  const odd = 'a"b\\c\nd{}=,é';
  const text = renderMetrics([gauge('holdfast_odd', 'Odd \\ and\nnew line.', [{ labels: { name: odd }, value: 1 }])]);
  assert.equal(text.split('\n').length, 4);
  await promtool(['check', 'metrics'], text);
  assert.match(text, /name="a\\"b\\\\c\\nd\{\}=,é"\} 1/);
});
