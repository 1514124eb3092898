/** Whose the rows of one table are, as far as its keys, policies and names tell. */
import type { SubjectPath } from '../../domain/subject-types.ts';
import { findPaths, hopOf, isUser, type Roots, toUser, unique } from './find-paths.ts';
import { addressOf, categoryOf, isHandler, isMaker, PERSON_COLUMN } from './name-evidence.ts';
import { policyEvidence } from './policy-evidence.ts';
import type { SubjectProposal, UndecidedTable } from './proposal.ts';
import { proposeColumns } from './propose-columns.ts';
import type { GraphForeignKey, GraphTable, SubjectGraph } from './subject-graph.ts';

export interface ProposalContext {
  readonly graph: SubjectGraph;
  readonly roots: Roots;
  /** What is known of tables nearer to auth.users, by key; the owner's decisions among them. */
  readonly nearer: ReadonlyMap<string, Pick<SubjectProposal, 'paths' | 'confidence'> | null>;
}

export type Verdict =
  | { readonly kind: 'proposal'; readonly proposal: SubjectProposal }
  | { readonly kind: 'undecided'; readonly undecided: UndecidedTable }
  | { readonly kind: 'nothing' };

interface UserColumn {
  readonly column: string;
  readonly path: SubjectPath;
  readonly reason: string;
  readonly sure: boolean;
}

/** Pure. */
export function proposeTable(table: GraphTable, context: ProposalContext): Verdict {
  const named = userColumns(table, context);
  const about = named.filter(({ column }) => !isHandler(column));
  if (about.length > 0) return direct(table, { about, named, context });
  const found = candidates(table, { named, context });
  const parts = table.foreignKeys.filter((one) => leads(one, table, context));
  if (named.length === 0 && parts.length > 0) return indirect(table, { parts, candidates: found, context });
  if (named.length > 0) return undecided(table, `${listed(named)} says who handled a row, not whom it is about`, found);
  const addresses = table.columns.filter(({ name, type }) => addressOf(name) !== null && isText(type));
  if (addresses.length > 0) {
    const why = `${addresses.map(({ name }) => name).join(', ')} may be a user's or anybody's`;
    return undecided(table, why, found);
  }
  if (policyEvidence(table.table, table.policies).elsewhere) {
    return undecided(table, 'its policies ask who the caller is, but by no column of its own', found);
  }
  return { kind: 'nothing' };
}

const isText = (type: string) => /^(text|character|citext)/.test(type);
const listed = (columns: readonly UserColumn[]) => columns.map(({ column }) => column).join(', ');
const undecided = (table: GraphTable, why: string, paths: readonly SubjectPath[]): Verdict => ({
  kind: 'undecided',
  undecided: { schema: table.schema, table: table.table, why, candidates: paths },
});

/** Columns that name a user themselves; the first evidence for a column counts. */
function userColumns(table: GraphTable, { graph, roots }: ProposalContext): UserColumn[] {
  const columns = new Map<string, UserColumn>();
  const add = (one: UserColumn) => {
    if (!columns.has(one.column)) columns.set(one.column, one);
  };
  const byKey = new Map(graph.tables.map((one) => [one.key, one]));
  for (const one of table.foreignKeys) {
    if (!isUser(one, { roots, users: graph.users })) continue;
    const [column] = one.columns;
    const reason = `${column} refers to ${one.to}${one.to === graph.users ? '' : ', whose key is the user'}`;
    add({ column: column!, path: [hopOf(one, byKey.get(one.to), true)], reason, sure: true });
  }
  const referring = new Set(table.foreignKeys.flatMap((one) => one.columns));
  for (const column of policyEvidence(table.table, table.policies).columns) {
    if (!table.columns.some(({ name }) => name === column) || referring.has(column)) continue;
    add({ column, path: [toUser([column])], reason: `a policy compares ${column} with auth.uid()`, sure: true });
  }
  for (const { name, type } of table.columns) {
    if (!PERSON_COLUMN.test(name) || referring.has(name) || !(type === 'uuid' || isIdText(name, type))) continue;
    add({ column: name, path: [toUser([name])], reason: `${name} is named for a user`, sure: false });
  }
  return [...columns.values()];
}

/** A text may hold anything: only one that is named as an id counts. */
const isIdText = (name: string, type: string) => isText(type) && /(id|uuid|uid)$/i.test(name);

interface Direct {
  readonly about: readonly UserColumn[];
  readonly named: readonly UserColumn[];
  readonly context: ProposalContext;
}

/** Sure evidence beats names: `account_id` beside a user's foreign key is likely another system's. */
function direct(table: GraphTable, { about, named, context }: Direct): Verdict {
  const sure = about.filter((one) => one.sure);
  const chosen = sure.length > 0 ? sure : about;
  const paths = unique(chosen.map(({ path }) => path));
  const people = named.filter((one) => one.sure || chosen.includes(one)).map(({ column }) => column);
  return proposal(table, {
    paths,
    reasons: chosen.map(({ reason }) => reason),
    confidence: sure.length > 0 ? 'high' : 'medium',
    otherPaths: candidates(table, { named, context }).filter((path) => !includes(paths, path)),
    columns: proposeColumns(table, people, chosen.length === 1 ? chosen[0]!.column : null),
  });
}

function leads(one: GraphForeignKey, table: GraphTable, { nearer }: ProposalContext): boolean {
  return one.to !== table.key && nearer.has(one.to);
}

interface Indirect {
  readonly parts: readonly GraphForeignKey[];
  readonly candidates: readonly SubjectPath[];
  readonly context: ProposalContext;
}

function indirect(table: GraphTable, { parts, candidates: found, context }: Indirect): Verdict {
  const known = parts.filter((one) => context.nearer.get(one.to) !== null);
  const to = (keys: readonly GraphForeignKey[]) => [...new Set(keys.map((one) => one.to))].join(', ');
  if (known.length === 0)
    return undecided(table, `it refers to ${to(parts)}, which is excluded or not decided either`, found);
  const owned = known.filter((one) => isPart(one, table, context));
  const chosen = owned.length > 0 ? owned : known.length === 1 && !isOfMaker(known[0]!, context) ? known : [];
  if (chosen.length === 0) return undecided(table, `it refers to ${to(known)}, which need not make it theirs`, found);
  const paths = unique(chosen.flatMap((one) => through(one, context)));
  return proposal(table, {
    paths,
    reasons: chosen.map(
      (one) => `${owned.length > 0 ? 'a part of' : 'refers to'} ${one.to} by ${one.columns.join(', ')}`,
    ),
    confidence:
      owned.length > 0 && chosen.every((one) => context.nearer.get(one.to)!.confidence === 'high') ? 'high' : 'medium',
    otherPaths: found.filter((path) => !includes(paths, path)),
    columns: [],
  });
}

/** Goes with its parent, is identified by it, or is named for it: `order_items` of `orders`. */
function isPart(one: GraphForeignKey, table: GraphTable, { graph }: ProposalContext): boolean {
  if (one.cascades || one.columns.every((column) => table.primaryKey.includes(column))) return true;
  const parent = graph.tables.find(({ key }) => key === one.to);
  const stem = parent?.table.replace(/ies$/, 'y').replace(/(?<=x|ch|sh|ss)es$|(?<!s)s$/, '');
  return stem !== undefined && table.table !== stem && table.table.startsWith(`${stem}_`);
}

/** A catalogue's entries refer to who made them; what refers to an entry is seldom that person's. */
function isOfMaker(one: GraphForeignKey, { nearer }: ProposalContext): boolean {
  return nearer.get(one.to)!.paths.every((path) => path.at(-1)!.columns.every(isMaker));
}

function through(one: GraphForeignKey, { graph, nearer }: ProposalContext): SubjectPath[] {
  const parent = graph.tables.find(({ key }) => key === one.to);
  if (parent === undefined) return [];
  return nearer.get(one.to)!.paths.map((path) => [hopOf(one, parent, false), ...path]);
}

function proposal(table: GraphTable, rest: Omit<SubjectProposal, 'schema' | 'table' | 'category'>): Verdict {
  const { schema, table: name } = table;
  const ruled = rest.columns.map(({ column }) => column);
  const own = (column: string) => rest.paths.some(([hop]) => hop!.columns.includes(column)) || ruled.includes(column);
  const isRoot = rest.paths.some(([hop]) => hop!.columns.join() === table.primaryKey.join());
  const addresses = table.columns.filter((one) => addressOf(one.name) !== null && isText(one.type) && !own(one.name));
  const reasons = [...rest.reasons];
  // Of a user's own customers, say; redacting them is not for us to propose.
  if (addresses.length > 0 && !isRoot)
    reasons.push(`look whose ${addresses.map((one) => one.name).join(', ')} is: a column rule can withhold it`);
  return { kind: 'proposal', proposal: { schema, table: name, category: categoryOf(name), ...rest, reasons } };
}

const includes = (paths: readonly SubjectPath[], path: SubjectPath) =>
  paths.some((one) => JSON.stringify(one) === JSON.stringify(path));

/** All ways there are: by keys, then by columns that name a user, then by addresses. */
function candidates(table: GraphTable, { named, context }: Pick<Direct, 'named' | 'context'>): SubjectPath[] {
  const addresses = table.columns.flatMap(({ name, type }): SubjectPath[] => {
    const by = addressOf(name);
    return by === null || !isText(type) ? [] : [[toUser([name], [by])]];
  });
  const byKeys = findPaths(table, context.graph, context.roots);
  return unique([...byKeys, ...named.map(({ path }) => path), ...addresses]);
}
