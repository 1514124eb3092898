import type { PgSession } from '../../postgres/session.ts';
import type { PlannedTable, RestorePlan, TargetFacts } from '../contracts.ts';
import { inspectTarget } from '../inspect-target.ts';

/**
 * What the scratch database is. In it the platform's schemas belong to whoever runs the drill, so they are told by the
 * manifest's list instead of by their owner. Throws RESTORE_TARGET_UNUSABLE.
 */
export async function scratchFacts(session: PgSession, managedSchemas: readonly string[]): Promise<TargetFacts> {
  const facts = await inspectTarget(session);
  const managed = new Set(managedSchemas);
  const isManaged = ({ schema }: { schema: string }) => managed.has(schema);
  return {
    ...facts,
    tables: facts.tables.filter((table) => !isManaged(table)),
    managedTables: [...facts.managedTables, ...facts.tables.filter(isManaged)],
  };
}

/** The scratch's platform tables are empty: those that fit whole are loaded like any other, in pieces. */
export function asLoaded(plan: RestorePlan): RestorePlan {
  return { ...plan, tables: plan.tables.map(loaded) };
}

function loaded(planned: PlannedTable): PlannedTable {
  const fits = planned.action === 'merge' && planned.columns.length === planned.table.columns.length;
  return fits ? { ...planned, action: 'load' } : planned;
}
