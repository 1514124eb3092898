/** What the person, or the operator, is shown before they say yes. */

import { sha256Of } from '../../archive/erasure-entry-file.ts';
import type { ErasedColumn, ErasedTable } from '../../domain/erasure-entry.ts';
import { type EraseCatalog, type ForeignKey, nameOf } from '../../postgres/erase-catalog.ts';
import type { KeyEffect } from '../../postgres/erase-sets.ts';

export interface PlannedErasure {
  readonly version: 1;
  readonly tables: readonly {
    readonly schema: string;
    readonly table: string;
    readonly action: ErasedTable['action'];
    readonly rows: number;
    readonly columns: readonly { readonly column: string; readonly write: ErasedColumn['write'] }[];
    readonly keep: { readonly reason: string; readonly until: string } | null;
  }[];
  /** What foreign keys do to rows that nobody mapped, or that are others'. */
  readonly side_effects: readonly PlannedEffect[];
  /** Not empty: it cannot be executed. */
  readonly blockers: readonly (PlannedEffect & { readonly because: string })[];
  readonly files: { readonly count: number; readonly bytes: number };
}

export interface PlannedEffect {
  readonly schema: string;
  readonly table: string;
  readonly constraint: string;
  readonly effect: KeyEffect['effect'];
  readonly rows: number;
}

export function plannedErasure(facts: {
  readonly actions: readonly ErasedTable[];
  readonly rows: ReadonlyMap<string, number>;
  readonly effects: readonly KeyEffect[];
  readonly files: PlannedErasure['files'];
}): PlannedErasure {
  const { actions, rows, effects, files } = facts;
  return {
    version: 1,
    tables: actions.map((table) => ({
      schema: table.schema,
      table: table.table,
      action: table.action,
      rows: rows.get(nameOf(table)) ?? 0,
      columns: table.columns.map(({ column, write }) => ({ column, write })),
      keep: table.keep,
    })),
    side_effects: effects.filter(({ effect }) => effect !== 'blocks').map(plannedEffect),
    blockers: effects
      .filter(({ effect }) => effect === 'blocks')
      .map((one) => ({ ...plannedEffect(one), because: one.because })),
    files,
  };
}

function plannedEffect({ key, effect, rows }: KeyEffect): PlannedEffect {
  return { schema: key.child.schema, table: key.child.table, constraint: key.name, effect, rows };
}

/**
 * Hex SHA-256 of what the plan decides: tables, actions, columns, legal reasons, and every foreign key that could act on
 * other rows. Not of how many rows there are, nor of the day until which rows are kept.
 */
export function planDigest(
  actions: readonly ErasedTable[],
  { catalog, folderBuckets }: { catalog: EraseCatalog; folderBuckets: readonly string[] },
): string {
  const tables = actions.map(({ schema, table, action, paths, columns, unlink, keep }) => {
    return [schema, table, action, paths, columns, unlink, keep?.reason ?? null];
  });
  const keys = reachedKeys(actions, catalog).map(({ child, name, onDelete }) => [
    child.schema,
    child.table,
    name,
    onDelete,
  ]);
  return sha256Of(JSON.stringify({ version: 1, tables, keys, folderBuckets }));
}

/** Foreign keys that point at what is deleted, and at what is deleted with it, to the end. */
function reachedKeys(actions: readonly ErasedTable[], catalog: EraseCatalog): ForeignKey[] {
  const gone = new Set(actions.filter(({ action }) => action === 'delete').map(nameOf));
  for (let before = -1; before !== gone.size; ) {
    before = gone.size;
    for (const key of catalog.foreignKeys)
      if (key.onDelete === 'cascade' && gone.has(nameOf(key.parent))) gone.add(nameOf(key.child));
  }
  return catalog.foreignKeys.filter((key) => gone.has(nameOf(key.parent)));
}
