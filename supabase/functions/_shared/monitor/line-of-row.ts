import type { HealthLine } from './contracts.ts';

/** A row of backup.health_state. */
export function lineOfRow(row: Record<string, unknown>): HealthLine {
  return {
    name: row.check_name as string,
    title: row.title as string,
    category: row.category as HealthLine['category'],
    state: row.state as HealthLine['state'],
    severity: row.severity as HealthLine['severity'],
    value: row.value as number | null,
    unit: row.unit as string | null,
    threshold: row.threshold as number | null,
    detail: row.detail as string,
    todo: row.todo as string,
    items: row.items as HealthLine['items'],
    since: (row.since as Date).toISOString(),
    problemSince: (row.problem_since as Date | null)?.toISOString() ?? null,
    checkedAt: (row.last_seen as Date).toISOString(),
  };
}
