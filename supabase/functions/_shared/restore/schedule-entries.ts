/** In which order, and which at the same time, the entries of post-data run. Pure. */
import type { DumpEntry } from './contracts.ts';
import { isWord, nameAfter, subjectOf } from './entry-subject.ts';
import { codeTokens, type SqlToken } from './sql-lexer.ts';

/** Runs as one piece of work. Units that share a table run at the same time only when none of them is exclusive on it. */
export interface Unit {
  readonly entries: readonly DumpEntry[];
  /** `schema.name`. */
  readonly tables: readonly string[];
  /** ALTER TABLE needs the table for itself; CREATE INDEX shares it with other CREATE INDEX. */
  readonly exclusive: boolean;
  /** Settings of a session: every session runs them, in every attempt. */
  readonly everywhere?: boolean;
}

/** Units of a stage may run at the same time; a stage begins when the one before has ended. */
export type Stage = readonly Unit[];

type Kind = 'build' | 'foreign-key' | 'alone';

interface Placed {
  readonly entries: DumpEntry[];
  readonly kind: Kind;
  readonly tables: readonly string[];
  readonly alters: boolean;
}

/**
 * pg_dump's order holds between stages: neighbours of the kinds that may run together (indexes and unique constraints;
 * foreign keys) become one stage, everything else runs alone, in its order. A comment goes with what it is on.
 */
export function scheduleEntries(entries: readonly DumpEntry[]): Stage[] {
  const stages: Stage[] = [];
  let run: Placed[] = [];
  const close = () => {
    if (run.length > 0) stages.push(run[0]!.kind === 'build' ? buildUnits(run) : run.map(foreignKeyUnit));
    run = [];
  };
  for (const entry of entries) {
    if (isCommentOn(entry, run.at(-1))) {
      run.at(-1)!.entries.push(entry);
      continue;
    }
    const placed = place(entry);
    if (placed.kind !== run[0]?.kind) close();
    if (placed.kind === 'alone')
      stages.push([{ entries: [entry], tables: [], exclusive: true, everywhere: entry.type === '' }]);
    else run.push(placed);
  }
  close();
  return stages;
}

function place(entry: DumpEntry): Placed {
  const tokens = codeTokens(entry.sql);
  const tables = tablesOf(entry, tokens);
  const alters = /\bALTER TABLE\b/.test(entry.sql);
  return { entries: [entry], kind: kindOf(entry, tokens, tables), tables, alters };
}

function kindOf({ type }: DumpEntry, tokens: readonly SqlToken[], tables: readonly string[]): Kind {
  if (type === 'FK CONSTRAINT' && tables.length === 2) return 'foreign-key';
  // One that is not validated looks at no rows, and pg_dump puts it between the keys: it must not part them.
  const isUnvalidated = type === 'CHECK CONSTRAINT' && isNotValid(tokens);
  const isBuild = type === 'INDEX' || type === 'CONSTRAINT' || isUnvalidated;
  return isBuild && tables.length >= 1 ? 'build' : 'alone';
}

/** `… NOT VALID;`, which pg_get_constraintdef() writes last. */
export function isNotValid(tokens: readonly SqlToken[]): boolean {
  return isWord(tokens.at(-3), 'NOT') && isWord(tokens.at(-2), 'VALID');
}

/** pg_dump prints the comment on an index or a constraint right behind it. */
function isCommentOn(comment: DumpEntry, before: Placed | undefined): boolean {
  const entry = before?.entries[0];
  if (comment.type !== 'COMMENT' || entry === undefined || comment.schema !== entry.schema) return false;
  const own = nameAfter(codeTokens(entry.sql), [entry.type === 'INDEX' ? 'INDEX' : 'CONSTRAINT']).at(-1);
  const tokens = codeTokens(comment.sql);
  if (entry.type === 'INDEX') return subjectOf(comment)?.kind === 'index' && subjectOf(comment)?.name === own;
  const subject = subjectOf(comment);
  return (
    nameAfter(tokens, ['CONSTRAINT']).at(-1) === own &&
    subject?.kind === 'table' &&
    `${subject.schema}.${subject.name}` === before?.tables[0]
  );
}

/** The constraints of a table follow each other; each index is a unit of its own. The exclusive ones begin. */
function buildUnits(run: readonly Placed[]): Unit[] {
  const constraints = new Map<string, Placed[]>();
  const indexes: Unit[] = [];
  for (const placed of run) {
    const table = placed.tables[0]!;
    if (placed.entries[0]!.type === 'INDEX')
      indexes.push({ entries: placed.entries, tables: [table], exclusive: placed.alters });
    else constraints.set(table, [...(constraints.get(table) ?? []), placed]);
  }
  const alters = [...constraints].map(([table, own]) => ({
    entries: own.flatMap(({ entries }) => entries),
    tables: [table],
    exclusive: true,
  }));
  return [...alters, ...indexes];
}

function foreignKeyUnit({ entries, tables }: Placed): Unit {
  return { entries, tables, exclusive: true };
}

/** The table that the entry is on, and the one that a foreign key refers to. */
function tablesOf(entry: DumpEntry, tokens: readonly SqlToken[]): string[] {
  const subject = subjectOf(entry);
  if (subject?.kind !== 'table') return [];
  const refers = entry.type === 'FK CONSTRAINT' ? nameAfter(tokens, ['REFERENCES']) : [];
  return [`${subject.schema}.${subject.name}`, ...(refers.length === 2 ? [refers.join('.')] : [])];
}
