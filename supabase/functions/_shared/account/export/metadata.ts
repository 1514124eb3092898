import { TOOL } from '../../domain/tool.ts';
import { tableLabel } from './export-plan.ts';
import type { TableCount } from './export-state.ts';
import type { Exporting } from './exporting.ts';
import { METADATA_SCHEMA_NAME } from './metadata-schema.ts';

export interface MetadataFacts {
  readonly exportId: string | null;
  readonly finishedMs: number;
}

/** What metadata.json says; of a single document, whose bytes are not complete yet, it names no files. */
export function metadataOf({ state, plan, lang }: Exporting, { exportId, finishedMs }: MetadataFacts) {
  const entries = state.jsonDocument === null ? Object.values(state.entries) : [];
  return {
    $schema: METADATA_SCHEMA_NAME,
    format: 'holdfast-personal-data',
    version: { major: 1, minor: 0 },
    tool: TOOL,
    export_id: exportId,
    user_id: plan.subject.id,
    exported_at: new Date(state.startedMs).toISOString(),
    finished_at: new Date(finishedMs).toISOString(),
    language: lang,
    row_count: state.rowCount,
    file_count: state.fileCount,
    categories: plan.categories.map(({ name, title, sources }) => {
      const labels = new Set(sources.map(tableLabel));
      const tables = state.tables.filter(({ table, category }) => category === name && labels.has(table));
      const rows = tables.reduce((sum, table) => sum + table.rows, 0);
      return { name, title, row_count: rows, tables: tables.map(describeTable) };
    }),
    files: entries.map(({ name, size, sha256 }) => ({ path: name, size, sha256 })),
    left_out_files: state.leftOut,
  };
}

function describeTable(table: TableCount) {
  return {
    table: table.table,
    row_count: table.rows,
    read: { way: table.readAs, reason: table.reason, hidden_rows: table.hidden },
    treated: table.treated,
    left_out_columns: table.leftOut,
  };
}
