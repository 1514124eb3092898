/** In which order, and which at the same time, the entries of post-data run. Pure. */
import type { DumpEntry } from './contracts.ts';
import { IDENTIFIER } from './sql-names.ts';

/** Runs as one piece of work. Units that share a table run at the same time only when none of them is exclusive on it. */
export interface Unit {
  readonly entries: readonly DumpEntry[];
  readonly tables: readonly string[];
  /** ALTER TABLE needs the table for itself; CREATE INDEX shares it with other CREATE INDEX. */
  readonly exclusive: boolean;
}

/** Units of a stage may run at the same time; a stage begins when the one before has ended. */
export type Stage = readonly Unit[];

const RELATION = `((?:${IDENTIFIER}\\.)?${IDENTIFIER})`;

/**
 * pg_dump's order holds between stages: neighbours of the kinds that may run together (indexes and unique constraints;
 * foreign keys) become one stage, everything else runs alone, in its order.
 */
export function scheduleEntries(entries: readonly DumpEntry[]): Stage[] {
  const stages: Stage[] = [];
  let run: DumpEntry[] = [];
  let runKind: Kind = 'alone';
  const close = () => {
    if (run.length > 0) stages.push(runKind === 'build' ? buildUnits(run) : run.map(foreignKeyUnit));
    run = [];
  };
  for (const entry of entries) {
    const kind = kindOf(entry);
    if (kind !== runKind) close();
    runKind = kind;
    if (kind === 'alone') stages.push([{ entries: [entry], tables: [], exclusive: true }]);
    else run.push(entry);
  }
  close();
  return stages;
}

type Kind = 'build' | 'foreign-key' | 'alone';

function kindOf({ type, sql }: DumpEntry): Kind {
  if (type === 'FK CONSTRAINT' && tablesOf(sql).length === 2) return 'foreign-key';
  if ((type === 'INDEX' || type === 'CONSTRAINT') && tablesOf(sql).length >= 1) return 'build';
  return 'alone';
}

/** The constraints of a table follow each other; each index is a unit of its own. The exclusive ones begin. */
function buildUnits(entries: readonly DumpEntry[]): Unit[] {
  const constraints = new Map<string, DumpEntry[]>();
  const indexes: Unit[] = [];
  for (const entry of entries) {
    const [table] = tablesOf(entry.sql);
    if (entry.type === 'INDEX')
      indexes.push({ entries: [entry], tables: [table!], exclusive: /\bALTER TABLE\b/.test(entry.sql) });
    else constraints.set(table!, [...(constraints.get(table!) ?? []), entry]);
  }
  const alters = [...constraints].map(([table, own]) => ({ entries: own, tables: [table], exclusive: true }));
  return [...alters, ...indexes];
}

function foreignKeyUnit(entry: DumpEntry): Unit {
  return { entries: [entry], tables: tablesOf(entry.sql), exclusive: true };
}

/** The table that the entry is on, and the one that a foreign key refers to. */
function tablesOf(sql: string): string[] {
  const on = new RegExp(`(?:CREATE (?:UNIQUE )?INDEX .*? ON(?: ONLY)?|ALTER TABLE(?: ONLY)?) ${RELATION}\\s`, 's').exec(
    sql,
  )?.[1];
  const refers = new RegExp(`REFERENCES ${RELATION}\\s*\\(`).exec(sql)?.[1];
  return [on, refers].filter((name) => name !== undefined);
}
