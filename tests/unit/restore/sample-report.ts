import type { RestoreReport } from '../../../supabase/functions/_shared/restore/contracts.ts';

/** Everything that a report can hold, with names as unfriendly as PostgreSQL allows. */
export const HOSTILE = '</td><script>alert("1")</script>&`|*_[x](https://e.example)\u001b[31m\n# "\u202e\'';

export function sampleReport(changes: Partial<RestoreReport> = {}): RestoreReport {
  return {
    backupId: 'weekly_20260111_020000_9f3c11ab',
    location: '/backups, folder weekly/2026-W02/weekly_20260111_020000_9f3c11ab',
    status: 'completed_with_limits',
    startedAt: '2026-01-14T10:05:00.000Z',
    seconds: 272,
    takenAt: '2026-01-14T02:00:00.000Z',
    target: { database: 'restored', serverVersion: '17.4', supabase: true },
    phases: [
      { name: 'schema', seconds: 2.5, doneAfterSeconds: 3, verdict: 'passed', detail: '120 entries' },
      {
        name: 'authentication',
        seconds: 60,
        doneAfterSeconds: 63,
        withinMinutes: 30,
        verdict: 'passed',
        detail: 'all rows there',
      },
      {
        name: 'business core',
        seconds: 7200,
        doneAfterSeconds: 7263,
        withinMinutes: 90,
        verdict: 'failed',
        detail: 'a row is missing',
      },
    ],
    tables: [
      { table: 'public.bookings', action: 'load', rows: 1000, kept: 0, state: 'restored' },
      { table: 'auth.users', action: 'merge', rows: 10, kept: 2, state: 'restored' },
      { table: 'public.calendars', action: 'skip', rows: 0, kept: 0, state: 'skipped' },
      { table: `public.${HOSTILE}`, action: 'load', rows: 0, kept: 0, state: 'not restored' },
    ],
    checks: [
      { name: 'sequences', verdict: 'passed', detail: 'all ahead', findings: [], seconds: 0.1 },
      {
        name: 'indexes',
        verdict: 'inconclusive',
        detail: 'amcheck is missing',
        findings: [`index ${HOSTILE}`],
        seconds: 0.1,
      },
    ],
    heldBack: [
      {
        kind: 'cron-job',
        name: HOSTILE,
        activateSql: "select cron.schedule('nightly', '0 3 * * *',\n  '```</pre><script>')",
        reason: 'would run at 03:00',
      },
    ],
    differences: ['auth.users: the target has no column phone_change', HOSTILE],
    error: null,
    ...changes,
  };
}
