/** In which order tables can be erased without breaking a foreign key at any moment. Pure. */
import { ERRORS } from '../errors.ts';
import { type EraseCatalog, type ForeignKey, nameOf, type TableRef } from './erase-catalog.ts';

export interface EraseOrder<T extends TableRef> {
  /** Tables that refer to others come before them. */
  readonly tables: readonly T[];
  /** Constraints of circles that are checked at the end instead. */
  readonly deferred: readonly ForeignKey[];
  /** Constraints of circles whose columns are set to null first. */
  readonly unlinked: readonly { readonly key: ForeignKey; readonly columns: readonly string[] }[];
}

/** Throws ERASURE_BLOCKED, naming the constraints, for a circle that nothing breaks. The order is the same every time. */
export function eraseOrder<T extends TableRef>(tables: readonly T[], catalog: EraseCatalog): EraseOrder<T> {
  const waiting = new Map(
    [...tables].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).map((table) => [nameOf(table), table]),
  );
  let edges = catalog.foreignKeys.filter(
    ({ child, parent }) =>
      nameOf(child) !== nameOf(parent) && waiting.has(nameOf(child)) && waiting.has(nameOf(parent)),
  );
  const ordered: T[] = [];
  const deferred: ForeignKey[] = [];
  const unlinked: { key: ForeignKey; columns: readonly string[] }[] = [];
  while (waiting.size > 0) {
    const free = [...waiting.keys()].find((name) => !edges.some((edge) => nameOf(edge.parent) === name));
    if (free !== undefined) {
      ordered.push(waiting.get(free)!);
      waiting.delete(free);
      edges = edges.filter((edge) => nameOf(edge.child) !== free);
      continue;
    }
    const weakest = breakable(circle(edges), catalog);
    if (weakest.way === 'deferred') deferred.push(weakest.key);
    if (weakest.way === 'unlinked') unlinked.push({ key: weakest.key, columns: weakest.columns });
    edges = edges.filter((edge) => edge !== weakest.key);
  }
  return { tables: ordered, deferred, unlinked };
}

/** Edges whose parent leads back to their child. */
function circle(edges: readonly ForeignKey[]): ForeignKey[] {
  return edges.filter((edge) => reaches(nameOf(edge.parent), nameOf(edge.child), edges));
}

function reaches(from: string, to: string, edges: readonly ForeignKey[]): boolean {
  const seen = new Set([from]);
  const open = [from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === to) return true;
    for (const edge of edges) {
      const next = nameOf(edge.parent);
      if (nameOf(edge.child) !== name || seen.has(next)) continue;
      seen.add(next);
      open.push(next);
    }
  }
  return false;
}

type Broken =
  | { readonly way: 'by itself' | 'deferred'; readonly key: ForeignKey }
  | { readonly way: 'unlinked'; readonly key: ForeignKey; readonly columns: readonly string[] };

function breakable(edges: readonly ForeignKey[], catalog: EraseCatalog): Broken {
  const own = edges.find(
    ({ onDelete }) => onDelete === 'cascade' || onDelete === 'set null' || onDelete === 'set default',
  );
  if (own) return { way: 'by itself', key: own };
  const late = edges.find(({ onDelete, deferrable }) => deferrable && onDelete === 'no action');
  if (late) return { way: 'deferred', key: late };
  for (const key of edges) {
    const columns = nullable(key, catalog);
    if (columns.length > 0) return { way: 'unlinked', key, columns };
  }
  const names = edges.map(({ name, child }) => `${name} of ${child.schema}.${child.table}`).join(', ');
  throw ERRORS.ERASURE_BLOCKED(
    `tables refer to each other in a circle, and no constraint of it can be deferred or set to null: ${names}`,
    {
      details: { constraints: edges.map(({ name }) => name) },
      hint: 'Make one of these constraints deferrable, or one of their columns nullable; nothing was erased.',
    },
  );
}

function nullable(key: ForeignKey, catalog: EraseCatalog): string[] {
  const facts = catalog.find(key.child);
  const free = key.childColumns.filter((column) => facts?.columns[column]?.notNull === false);
  return key.matchFull && free.length < key.childColumns.length ? [] : free;
}
