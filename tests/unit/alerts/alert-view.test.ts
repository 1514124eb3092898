import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertMessage } from '../../../supabase/functions/_shared/alerts/alert-message.ts';
import { alertView } from '../../../supabase/functions/_shared/alerts/alert-view.ts';

const OPEN: AlertMessage = {
  kind: 'open',
  source: 'abc.supabase.co',
  type: 'health_check_unhealthy',
  severity: 'warning',
  text: 'Storage: 91 % of the plan is used',
  facts: { value: 91, threshold: 80, unit: 'percent' },
  at: '2026-01-14T05:00:00Z',
  todo: 'Delete something.',
  problem: 'p',
  occurrences: 1,
  first_seen: '2026-01-14T02:00:00Z',
};

test('each kind of message has its own first word and tone', () => {
  const shown = (more: Partial<AlertMessage>) => {
    const { title, tone } = alertView({ ...OPEN, ...more });
    return `${title.split(':')[0]} ${tone}`;
  };
  assert.equal(shown({}), 'Warning warning');
  assert.equal(shown({ severity: 'critical' }), 'Critical bad');
  assert.equal(shown({ kind: 'repeat' }), 'Still open warning');
  assert.equal(shown({ kind: 'escalation', severity: 'critical' }), 'Escalated bad');
  assert.equal(shown({ kind: 'resolved', resolved_at: OPEN.at, because: 'x' }), 'Resolved good');
  assert.equal(shown({ kind: 'digest', type: 'weekly_digest' }), 'Backups of the last 7 days info');
  assert.equal(shown({ kind: 'notice', type: 'test' }), 'Test message warning');
});

test('what is over says why and for how long, and not what to do', () => {
  const view = alertView({
    ...OPEN,
    kind: 'resolved',
    resolved_at: '2026-01-14T04:30:00Z',
    because: 'the check is healthy again',
  });
  assert.equal(view.text, 'The check is healthy again.');
  assert.equal(view.todo, '');
  assert.deepEqual(view.fields.at(-1), { name: 'For', value: '2 hours 30 minutes' });
});

test('facts have a fixed order, and one without a label is not shown', () => {
  const { fields } = alertView({ ...OPEN, facts: { unit: 'percent', secret: 'x', value: 91 } });
  assert.deepEqual(
    fields.map(({ name }) => name),
    ['Value', 'Unit', 'Since'],
  );
});

test('a view of the same message is the same at any time', () => {
  assert.deepEqual(alertView({ ...OPEN, kind: 'repeat' }), alertView({ ...OPEN, kind: 'repeat' }));
});

test('a title is one line, and long texts have an end', () => {
  const view = alertView({ ...OPEN, text: `a\nb${'c'.repeat(4000)}` });
  assert.ok(!view.title.includes('\n') && view.title.length <= 140 && view.text.length <= 1500);
});
