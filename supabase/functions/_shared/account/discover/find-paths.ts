/** The ways from a table to auth.users along foreign keys. */
import type { SubjectHop, SubjectPath } from '../../domain/subject-types.ts';
import type { GraphForeignKey, GraphTable, SubjectGraph } from './subject-graph.ts';

const IDENTITY_COLUMNS = ['id', 'email', 'phone'];
/** Dense schemas have more ways than anybody reads; the shortest come first. */
const MAX_PATHS = 25;
const MAX_STEPS = 2000;

/** Tables whose own key is a user's id, such as public.users: references to them are references to the user. */
export type Roots = ReadonlyMap<string, string>;

/** By their primary key's foreign key, also through another such table. Values are the key's column. */
export function findRoots({ tables, users }: SubjectGraph): Roots {
  const roots = new Map<string, string>();
  for (let before = -1; before < roots.size; ) {
    before = roots.size;
    for (const { key, primaryKey, foreignKeys } of tables) {
      const [column] = primaryKey;
      if (primaryKey.length !== 1 || roots.has(key)) continue;
      if (foreignKeys.some((one) => one.columns[0] === column && isUser(one, { roots, users })))
        roots.set(key, column!);
    }
  }
  return roots;
}

/** Does the foreign key name a user: in auth.users or in a root? */
export function isUser(one: GraphForeignKey, { roots, users }: { roots: Roots; users: string | null }): boolean {
  if (one.columns.length !== 1) return false;
  if (one.to === users) return IDENTITY_COLUMNS.includes(one.toColumns[0]!);
  return roots.get(one.to) === one.toColumns[0];
}

export const toUser = (columns: readonly string[], by: readonly string[] = ['id']): SubjectHop => ({
  columns,
  to: { schema: 'auth', table: 'users', columns: by },
});

/** Steps to auth.users from every table that leads there; a root counts as auth.users itself. */
export function distances(graph: SubjectGraph, roots: Roots): ReadonlyMap<string, number> {
  const known = new Map<string, number>();
  for (let distance = 1, grew = true; grew; distance++) {
    const level = graph.tables.filter(({ key, foreignKeys }) => {
      if (known.has(key)) return false;
      return foreignKeys.some((one) =>
        distance === 1 ? isUser(one, { roots, users: graph.users }) : known.has(one.to),
      );
    });
    for (const { key } of level) known.set(key, distance);
    grew = level.length > 0;
  }
  return known;
}

/** The hop of a foreign key; one that names a user goes to auth.users at once, so that it holds when a root's row is gone. */
export function hopOf(one: GraphForeignKey, to: GraphTable | undefined, user: boolean): SubjectHop {
  if (user) return toUser(one.columns, to === undefined ? one.toColumns : ['id']);
  return { columns: one.columns, to: { schema: to!.schema, table: to!.table, columns: one.toColumns } };
}

/** Shortest first, without visiting a table twice; at most 25. Pure. */
export function findPaths(start: GraphTable, graph: SubjectGraph, roots: Roots): SubjectPath[] {
  const byKey = new Map(graph.tables.map((table) => [table.key, table]));
  const leads = distances(graph, roots);
  const found: SubjectPath[] = [];
  const queue: { at: GraphTable; path: SubjectPath; seen: readonly string[] }[] = [
    { at: start, path: [], seen: [start.key] },
  ];
  for (let step = 0; step < queue.length && step < MAX_STEPS && found.length < MAX_PATHS; step++) {
    const { at, path, seen } = queue[step]!;
    for (const one of at.foreignKeys) {
      const next = byKey.get(one.to);
      if (isUser(one, { roots, users: graph.users })) found.push([...path, hopOf(one, next, true)]);
      else if (next !== undefined && leads.has(one.to) && !seen.includes(one.to))
        queue.push({ at: next, path: [...path, hopOf(one, next, false)], seen: [...seen, one.to] });
    }
  }
  return unique(found.slice(0, MAX_PATHS));
}

/** Several constraints may say the same. */
export function unique(paths: readonly SubjectPath[]): SubjectPath[] {
  return [...new Map(paths.map((path) => [JSON.stringify(path), path])).values()];
}
