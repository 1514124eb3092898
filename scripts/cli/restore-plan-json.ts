import type { PlannedTable, RestorePlan } from '../../supabase/functions/_shared/restore/contracts.ts';

/** A plan as --dry-run --json prints it. */
export function restorePlanJson(plan: RestorePlan) {
  const { totals, schemaSections: sections } = plan;
  return {
    backup_id: plan.backupId,
    taken_at: plan.takenAt,
    expected_seconds: plan.expectedSeconds,
    totals: {
      tables: totals.tables,
      rows: totals.rows,
      raw_bytes: totals.rawBytes,
      stored_bytes: totals.storedBytes,
    },
    schema_sections: { pre_data: sections.preData, sequences: sections.sequences, post_data: sections.postData },
    phases: plan.phases.map(({ phase, name, validate, withinMinutes, tables, rows, rawBytes }) => ({
      ...{ phase, name, validate, within_minutes: withinMinutes, tables, rows, raw_bytes: rawBytes },
    })),
    tables: plan.tables.map(tableJson),
    notes: plan.notes,
  };
}

function tableJson({ table, target, phase, action, columns }: PlannedTable) {
  return {
    schema: table.schema,
    name: table.name,
    target,
    phase,
    action,
    columns,
    rows: table.rows,
    raw_bytes: table.raw_bytes,
    stored_bytes: table.stored_bytes,
    segments: table.segments.length,
  };
}
