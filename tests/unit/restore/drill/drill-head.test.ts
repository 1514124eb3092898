import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PhaseResult } from '../../../../supabase/functions/_shared/restore/contracts.ts';
import { drillHead, recoverySeconds } from '../../../../supabase/functions/_shared/restore/drill/drill-head.ts';
import { renderReportHtml } from '../../../../supabase/functions/_shared/restore/render-report-html.ts';
import { saysNothing } from '../../../../supabase/functions/_shared/restore/run-drill.ts';
import { sampleReport } from '../sample-report.ts';

const phase = (name: string, doneAfterSeconds: number, verdict: PhaseResult['verdict'] = 'passed'): PhaseResult => ({
  ...{ name, seconds: 1, doneAfterSeconds, verdict, detail: '' },
});

test('the recovery ends with the statistics: checks and destruction are the drill alone', () => {
  const phases = [phase('schema', 2), phase('statistics', 7), phase('checks', 40), phase('destruction', 41)];
  assert.equal(recoverySeconds({ phases }), 7);
  assert.equal(recoverySeconds({ phases: [phase('schema', 2)] }), null);
  const facts = drillHead({ ...sampleReport(), phases, seconds: 41 }, { mode: 'restore', status: 'passed' }).facts;
  const [, value] = facts.find(([label]) => label === 'Measured recovery time')!;
  assert.equal(value, '7.0 seconds; the drill took 41 seconds');
});

test("a drill's page is titled by its verdict and asks nobody to turn on what is gone", () => {
  const report = sampleReport();
  const page = renderReportHtml(report, drillHead(report, { mode: 'restore', status: 'inconclusive' }));
  assert.match(page, /<h1 class="warn">Drill inconclusive<\/h1>/);
  assert.match(
    page,
    /A restore leaves these off until somebody turns them on with <code>npm run restore:activate<\/code>/,
  );
  assert.doesNotMatch(page, /These stay off/);
});

test('a drill that was interrupted or lost its store or server says nothing of the backup', () => {
  for (const code of ['RESTORE_INTERRUPTED', 'DATABASE_UNREACHABLE', 'STORE_UNREACHABLE'])
    assert.equal(saysNothing(code), true, code);
  for (const code of ['ARCHIVE_DAMAGED', 'DECRYPTION_FAILED', 'RESTORE_FAILED', 'no code'])
    assert.equal(saysNothing(code), false, code);
});
