import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { HeldBack } from '../../supabase/functions/_shared/restore/contracts.ts';

const REPORT = z.object({
  backup_id: z.string(),
  target: z.object({ database: z.string() }),
  held_back: z.array(
    z.object({
      kind: z.enum(['cron-job', 'trigger', 'publication', 'subscription', 'event-trigger']),
      name: z.string(),
      activate_sql: z.string().min(1),
      reason: z.string(),
    }),
  ),
});

export interface HeldBackReport {
  readonly backupId: string;
  /** Name of the database that was restored into. */
  readonly database: string;
  readonly heldBack: readonly HeldBack[];
}

/** What a JSON report says was held back; null, and a problem in the list, when the file is no such report. */
export async function readHeldBack(path: string, problems: string[]): Promise<HeldBackReport | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    problems.push(`--report must name a file that can be read: ${(error as Error).message}`);
    return null;
  }
  const found = REPORT.safeParse(parse(text));
  if (!found.success) {
    const [issue] = found.error.issues;
    const where = issue && issue.path.length > 0 ? `${issue.path.join('.')}: ${issue.message}` : 'not a JSON object';
    problems.push(`--report must be the JSON report of a restore: '${path}' is not (${where})`);
    return null;
  }
  const { backup_id: backupId, target, held_back: items } = found.data;
  const heldBack = items.map(({ kind, name, activate_sql: activateSql, reason }) => ({
    ...{ kind, name, activateSql, reason },
  }));
  return { backupId, database: target.database, heldBack };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // is no report; the schema says so
  }
}
