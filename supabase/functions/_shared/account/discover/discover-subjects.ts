/** Proposes whose data is where, for the tables that the owner has not decided about. */
import type { SubjectPath, SubjectTable } from '../../domain/subject-types.ts';
import type { Sql } from '../../postgres/open-driver.ts';
import { distances, findRoots } from './find-paths.ts';
import type { SubjectProposal, UndecidedTable } from './proposal.ts';
import { proposeTable } from './propose-table.ts';
import { readGraph } from './read-graph.ts';
import type { SubjectGraph } from './subject-graph.ts';

export interface Discovery {
  readonly proposals: readonly SubjectProposal[];
  readonly undecided: readonly UndecidedTable[];
  /** Mapped or excluded by the owner; nothing is proposed for them. */
  readonly decided: readonly SubjectTable[];
  /** Nothing about them points to a user. */
  readonly nothingFound: readonly SubjectTable[];
  /** What backup.unmapped_subject_tables() says now; a health check fails while there are any. */
  readonly unmapped: readonly UnmappedTable[];
}

export interface UnmappedTable extends SubjectTable {
  readonly path: string;
}

interface Decision extends SubjectTable {
  readonly key: string;
  /** null: excluded. */
  readonly paths: readonly SubjectPath[] | null;
}

/** Writes nothing. Throws the driver's errors. */
export async function discoverSubjects(sql: Sql): Promise<Discovery> {
  const decisions = await sql<Decision[]>`
    select pg_catalog.quote_ident(schema_name) || '.' || pg_catalog.quote_ident(table_name) as key,
      schema_name as schema, table_name as table, case when decision = 'mapped' then paths end as paths
    from backup.subject_source order by schema_name collate "C", table_name collate "C"`;
  const unmapped = await sql<UnmappedTable[]>`
    select schema_name as schema, table_name as table, path from backup.unmapped_subject_tables()`;
  const found = proposeAll(await readGraph(sql), decisions);
  return { ...found, decided: decisions.map(({ schema, table }) => ({ schema, table })), unmapped: [...unmapped] };
}

/** From the tables nearest to auth.users outwards, as parts follow what they are parts of. Pure. */
export function proposeAll(
  graph: SubjectGraph,
  decisions: readonly Decision[],
): Pick<Discovery, 'proposals' | 'undecided' | 'nothingFound'> {
  const roots = findRoots(graph);
  const distance = distances(graph, roots);
  const decided = new Map(decisions.map(({ key, paths }) => [key, paths && { paths, confidence: 'high' as const }]));
  const nearer = new Map<string, Pick<SubjectProposal, 'paths' | 'confidence'> | null>(decided);
  const result = {
    proposals: [] as SubjectProposal[],
    undecided: [] as UndecidedTable[],
    nothingFound: [] as SubjectTable[],
  };
  const open = graph.tables.filter(({ key }) => !decided.has(key));
  const inOrder = open.sort((a, b) => (distance.get(a.key) ?? 0) - (distance.get(b.key) ?? 0));
  const settle = (table: (typeof open)[number]) => {
    const verdict = proposeTable(table, { graph, roots, nearer });
    if (verdict.kind === 'proposal') {
      result.proposals.push(verdict.proposal);
      nearer.set(table.key, verdict.proposal);
    } else if (verdict.kind === 'undecided') {
      result.undecided.push(verdict.undecided);
      nearer.set(table.key, null);
    }
    return verdict.kind !== 'nothing';
  };
  // Names and policies add tables that no key leads from; what refers to those comes in a later round.
  let left = inOrder;
  for (let before = -1; before !== left.length; ) {
    before = left.length;
    left = left.filter((table) => !settle(table));
  }
  result.nothingFound.push(...left.map(({ schema, table }) => ({ schema, table })));
  return result;
}
