import { quoteIdentifier } from '../postgres/identifiers.ts';
import type { DumpEntry } from './contracts.ts';
import { isWord, nameAfter } from './entry-subject.ts';
import { isNotValid, type Stage, type Unit } from './schedule-entries.ts';
import { codeTokens } from './sql-lexer.ts';

/**
 * Splits each stage of foreign keys in two: all are added without looking at the rows, then the rows are looked at.
 * ADD FOREIGN KEY keeps both tables for itself while it reads (SHARE ROW EXCLUSIVE), so that two keys to one large table
 * wait for each other; VALIDATE CONSTRAINT takes the referring table alone (SHARE UPDATE EXCLUSIVE; manual, ALTER TABLE).
 * The result is the same. A key from or to a partitioned table stays whole: it cannot be added without being validated,
 * or its parts would stay unvalidated. So does one to a table that may be partitioned for all that is known here:
 * `ordinary` are tables of the target that are not. Pure.
 */
export function separateValidation(
  stages: readonly Stage[],
  preData: readonly DumpEntry[],
  ordinary: readonly { readonly schema: string; readonly name: string }[] = [],
): Stage[] {
  const plain = new Set([...plainTables(preData), ...ordinary.map(({ schema, name }) => `${schema}.${name}`)]);
  return stages.flatMap((stage) => {
    if (!stage.some(isForeignKey)) return [stage];
    const split = stage.map((unit) => (isSeparable(unit, plain) ? separated(unit) : { add: unit, validate: null }));
    const validations = split.flatMap(({ validate }) => (validate ? [validate] : []));
    const additions = split.map(({ add }) => add);
    return validations.length > 0 ? [additions, validations] : [additions];
  });
}

function isForeignKey({ entries: [entry] }: Unit): boolean {
  return entry?.type === 'FK CONSTRAINT';
}

/** pg_dump writes ONLY for every referring table that is not partitioned, and NOT VALID where the source has it so. */
function isSeparable(unit: Unit, plain: ReadonlySet<string>): boolean {
  if (!isForeignKey(unit) || unit.tables.length !== 2) return false;
  if (!unit.tables.every((table) => plain.has(table))) return false;
  const tokens = codeTokens(unit.entries[0]!.sql);
  return ['ALTER', 'TABLE', 'ONLY'].every((word, at) => isWord(tokens[at], word)) && !isNotValid(tokens);
}

function separated({ entries: [key, ...comments], tables }: Unit): { add: Unit; validate: Unit } {
  const tokens = codeTokens(key!.sql);
  const end = tokens.at(-1)!;
  const [name] = nameAfter(tokens, ['CONSTRAINT']);
  const table = nameAfter(tokens, ['TABLE']).map(quoteIdentifier).join('.');
  const added = { ...key!, sql: `${key!.sql.slice(0, end.start)} NOT VALID;\n` };
  const validated = { ...key!, sql: `ALTER TABLE ONLY ${table} VALIDATE CONSTRAINT ${quoteIdentifier(name!)};\n` };
  return {
    add: { entries: [added, ...comments], tables, exclusive: true },
    validate: { entries: [validated], tables: tables.slice(0, 1), exclusive: true },
  };
}

/** `schema.name` of each that is made here and not partitioned. */
function plainTables(preData: readonly DumpEntry[]): string[] {
  const plain = preData.filter(({ type, sql }) => type === 'TABLE' && !/^PARTITION BY /m.test(sql));
  return plain.map(({ sql }) => nameAfter(codeTokens(sql), ['TABLE']).join('.'));
}
