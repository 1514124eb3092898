import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckResult } from '../../../../supabase/functions/_shared/restore/contracts.ts';
import { drillOutcome } from '../../../../supabase/functions/_shared/restore/drill/drill-outcome.ts';
import { type DrillState, newDrillState } from '../../../../supabase/functions/_shared/restore/drill/drill-state.ts';

const check = (name: string, verdict: CheckResult['verdict']): CheckResult => ({
  ...{ name, verdict, detail: `${name} ${verdict}`, findings: [], seconds: 1 },
});

const verdict = (facts: Partial<DrillState>) =>
  drillOutcome({ ...newDrillState('restore', 'x', new Date()), ...facts }, null, 'a test').verdict;

const error = (code: string) => ({ code, message: 'it went wrong', hint: 'Look.' });

test('a drill passes by its checks, of which the rows must have been counted, and fails by any of them', () => {
  const counted = check('row-counts', 'passed');
  assert.equal(verdict({ checks: [counted, check('indexes', 'inconclusive')] }), 'passed');
  assert.equal(verdict({ checks: [check('row-counts', 'inconclusive')] }), 'inconclusive');
  assert.equal(verdict({ checks: [] }), 'inconclusive');
  assert.equal(verdict({ checks: [counted, check('foreign-keys', 'failed')] }), 'failed');
});

test('an error of the restore fails it; one of the server where it was to be makes it inconclusive', () => {
  for (const [facts, expected] of [
    [{ error: error('RESTORE_FAILED'), failedStage: 'schema' }, 'failed'],
    [{ error: error('ARCHIVE_DAMAGED'), failedStage: 'verification' }, 'failed'],
    [{ error: error('MANIFEST_INVALID') }, 'failed'],
    [{ error: error('QUERY_FAILED'), failedStage: 'database' }, 'inconclusive'],
    [{ error: error('DATABASE_LOGIN_FAILED'), failedStage: 'database' }, 'inconclusive'],
    [{ error: error('RESTORE_TARGET_UNUSABLE'), failedStage: 'schema' }, 'inconclusive'],
    [{ error: error('RESTORE_FAILED'), failedStage: 'schema', withoutExtensions: ['postgis'] }, 'inconclusive'],
    [{ error: error('ARCHIVE_DAMAGED'), failedStage: 'rows', withoutExtensions: ['postgis'] }, 'failed'],
  ] as const)
    assert.equal(verdict(facts as Partial<DrillState>), expected, JSON.stringify(facts));
});

test('a check that failed outweighs what the server lacks', () => {
  const checks = [check('foreign-keys', 'failed')];
  assert.equal(verdict({ checks, error: error('RESTORE_FAILED'), withoutExtensions: ['postgis'] }), 'failed');
});
