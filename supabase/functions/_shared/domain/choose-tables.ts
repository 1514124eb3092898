/**
 * Which tables a request means, and what it cannot have. Pure. Generic over the table so that the domain needs no
 * import of the catalogue's types.
 */
import type { BackupRequest, RowFilter } from './backup-request.ts';

export interface ChoosableTable {
  readonly schema: string;
  readonly name: string;
  readonly kind: 'r' | 'p' | 'f' | 'm';
  readonly readable: boolean;
  /** Root of the partition tree that it is part of, if any. */
  readonly partitionRoot?: { readonly schema: string; readonly name: string } | null;
}

export interface TableChoice<T> {
  readonly tables: T[];
  readonly limits: { code: string; object: string; message: string }[];
  /** Names in the request that match nothing. */
  readonly unknown: string[];
  /** Materialized views in a request that names nothing with rows of its own; beside tables each is a limit. */
  readonly views: string[];
}

export function chooseTables<T extends ChoosableTable>(
  all: readonly T[],
  request: Pick<BackupRequest, 'scope' | 'tables'>,
  critical: readonly { schema: string; name: string }[],
): TableChoice<T> {
  const wanted = wantedNames(request, critical);
  const matching = wanted ? all.filter((table) => wanted.some((name) => matches(table, name))) : [...all];
  const known = (name: QualifiedName) => all.some((table) => matches(table, name));
  const unknown = request.scope === 'tables' ? (wanted ?? []).filter((name) => !known(name)).map(display) : [];
  const rows = matching.filter((table) => table.kind === 'r');
  // Unless they were asked for they are no loss: a restore fills them by their queries.
  const views = request.scope === 'tables' ? matching.filter((table) => table.kind === 'm') : [];
  const alone = !matching.some((table) => table.kind === 'r' || table.kind === 'p');
  return {
    tables: rows.filter((table) => table.readable),
    limits: [
      ...rows.filter((table) => !table.readable).map(unreadable),
      ...matching.filter(isForeign).map(foreign),
      ...(alone ? [] : views.map(derived)),
    ],
    unknown,
    views: alone ? views.map(display) : [],
  };
}

interface QualifiedName {
  readonly schema: string;
  readonly name: string;
}

/** `schema.table`, or `table` in schema public. Parts with a dot of their own are written in double quotes. */
export function parseTableName(text: string): QualifiedName {
  const parts = text.match(/"(?:[^"]|"")*"|[^."]+/gu) ?? [];
  const names = parts.map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part));
  if (names.length === 2) return { schema: names[0]!, name: names[1]! };
  // More parts name no table here: taken as they stand they match none, and the caller is told.
  return { schema: 'public', name: names.length === 1 ? names[0]! : text };
}

/** Is the filter on this table, or on the partitioned table that it is a part of? */
export function isFilterOn(filter: Pick<RowFilter, 'table'>, table: ChoosableTable): boolean {
  return matches(table, parseTableName(filter.table));
}

function wantedNames(request: Pick<BackupRequest, 'scope' | 'tables'>, critical: readonly QualifiedName[]) {
  if (request.scope === 'full') return null;
  if (request.scope === 'critical') return critical;
  return (request.tables ?? []).map(parseTableName);
}

function matches(table: ChoosableTable, name: QualifiedName): boolean {
  const is = (other: QualifiedName | null | undefined) => other?.schema === name.schema && other.name === name.name;
  return is(table) || is(table.partitionRoot);
}

function isForeign(table: ChoosableTable): boolean {
  return table.kind === 'f';
}

function unreadable(table: ChoosableTable) {
  return {
    code: 'TABLE_UNREADABLE',
    object: display(table),
    message: `the backup's role may not select from ${display(table)}`,
  };
}

function foreign(table: ChoosableTable) {
  return {
    code: 'FOREIGN_TABLE',
    object: display(table),
    message: `the rows of foreign table ${display(table)} live in another database and are not taken`,
  };
}

function derived(view: ChoosableTable) {
  return {
    code: 'MATERIALIZED_VIEW',
    object: display(view),
    message: `the rows of materialized view ${display(view)} come from its query and are not taken`,
  };
}

function display(name: QualifiedName): string {
  return `${name.schema}.${name.name}`;
}
