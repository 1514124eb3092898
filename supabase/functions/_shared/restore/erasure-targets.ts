/** Which tables of the target an entry of the erasure ledger is about. Pure. */
import type { ErasedTable } from '../domain/erasure-entry.ts';
import type { SubjectHop, SubjectPath } from '../domain/subject-types.ts';
import type { EraseCatalog, EraseTableFacts, TableRef } from '../postgres/erase-catalog.ts';
import type { RestoreOptions, RestorePlan } from './contracts.ts';

export interface TargetedActions {
  readonly actions: readonly ErasedTable[];
  /** What could not be looked at, and why. */
  readonly unclear: readonly string[];
}

export interface ReplayScope {
  readonly plan: Pick<RestorePlan, 'tables' | 'partitioned'>;
  readonly options: Pick<RestoreOptions, 'tables' | 'schemas' | 'renameSchema'>;
  readonly catalog: EraseCatalog;
  readonly now: Date;
}

/**
 * Only tables that this restore brought: others are the target's own. Kept rows whose time is over are deleted. A path
 * through a table that did not come along may lead nowhere, which is said.
 */
export function targetActions(actions: readonly ErasedTable[], scope: ReplayScope): TargetedActions {
  const unclear: string[] = [];
  const targeted: ErasedTable[] = [];
  for (const action of actions) {
    if (!isRestored(action, scope)) continue;
    const place = placeOf(action, scope);
    const facts = scope.catalog.find(place);
    if (!facts) continue;
    const label = `${place.schema}.${place.table}`;
    const paths = action.paths.flatMap((path) => {
      const mapped = mapPath(path, { from: place, scope });
      if (mapped.problem !== null) unclear.push(`${label}: ${mapped.problem}`);
      return mapped.path === null ? [] : [mapped.path];
    });
    const columns = action.columns.filter(({ column }) => facts.columns[column] !== undefined);
    if (columns.length < action.columns.length) unclear.push(`${label} lacks columns that the erasure wrote over`);
    const over = action.keep !== null && Date.parse(action.keep.until) <= scope.now.getTime();
    const kind = over ? 'delete' : action.action;
    if (paths.length === 0 || (kind === 'anonymise' && columns.length === 0)) continue;
    targeted.push({ ...action, ...place, action: kind, paths, columns, keep: over ? null : action.keep });
  }
  return { actions: targeted, unclear };
}

/** Where a table of the backup is in the target. */
export function placeOf(
  { schema, table }: TableRef,
  { options, catalog }: Pick<ReplayScope, 'options' | 'catalog'>,
): TableRef {
  const renamed = options.renameSchema?.from === schema ? { schema: options.renameSchema.to, table } : null;
  return renamed && catalog.find(renamed) ? renamed : { schema, table };
}

function isRestored({ schema, table }: TableRef, { plan, options }: ReplayScope): boolean {
  const planned = plan.tables.find((one) => one.table.schema === schema && one.table.name === table);
  if (planned) return planned.action !== 'skip';
  if (plan.partitioned.some((one) => one.schema === schema && one.name === table)) return true;
  // The root of a partitioned table has no rows of its own, and is in no plan of a whole restore.
  return options.tables === null && (options.schemas === null || options.schemas.includes(schema));
}

function mapPath(
  path: SubjectPath,
  { from, scope }: { from: TableRef; scope: ReplayScope },
): { path: SubjectPath | null; problem: string | null } {
  let at = from;
  let problem: string | null = null;
  const hops: SubjectPath[number][] = [];
  for (const [index, hop] of path.entries()) {
    const missing = hop.columns.find((column) => scope.catalog.find(at)?.columns[column] === undefined);
    if (missing !== undefined)
      return { path: null, problem: `${at.schema}.${at.table} has no column ${missing}, which leads to the person` };
    const found = asFound(hop, scope.catalog.find(at)!);
    if (index === path.length - 1) return { path: [...hops, found], problem };
    const to = placeOf(hop.to, scope);
    if (!scope.catalog.find(to))
      return {
        path: null,
        problem: `the path to the person leads through ${to.schema}.${to.table}, which the target has not`,
      };
    if (!isRestored(hop.to, scope))
      problem = `the path to the person leads through ${to.schema}.${to.table}, which this restore did not bring: rows that lead nowhere any more cannot be told`;
    hops.push({ ...found, to: { ...hop.to, ...to } });
    at = to;
  }
  return { path: null, problem };
}

/** The column may have been json when the backup was made and jsonb when the person was erased, or the other way. */
function asFound({ rawJson: _, ...hop }: SubjectHop, { columns }: EraseTableFacts): SubjectHop {
  return hop.key !== undefined && columns[hop.columns[0]!]?.type === 'json' ? { ...hop, rawJson: true } : hop;
}
