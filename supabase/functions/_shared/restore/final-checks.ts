import type { PgSession } from '../postgres/session.ts';
import { runChecks } from './checks/run-checks.ts';
import type { CheckResult } from './contracts.ts';
import type { Restoring } from './restore-database.ts';
import type { SessionGroup } from './session-group.ts';

/** What every restore is checked for: cheap with the indexes that were just built. Drills check everything. */
const CHEAP = ['sequences'];

/** The rows were counted as they came in. */
export async function finalChecks(
  { means, plan, job }: Restoring,
  session: PgSession,
  sessions: SessionGroup,
): Promise<CheckResult[]> {
  if (job.options.only === 'schema') return [];
  const context = {
    session,
    manifest: means.archive.manifest,
    plan,
    openSession: () => sessions.open('holdfast restore check'),
    read: (path: string) => means.archive.read(path),
  };
  return await runChecks(context, { only: CHEAP, signal: job.signal });
}
