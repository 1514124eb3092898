/** A column of an export as its rule lets it out, made by PostgreSQL so that what is withheld never reaches us. */
import type { Subject } from '../domain/subject.ts';
import type { SubjectSource } from '../domain/subject-types.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/identifiers.ts';
import { subjectFilter } from '../postgres/subject-filter.ts';
import type { SourceColumn } from './describe-source.ts';

/** What stands for a value that is another person's. */
export const REDACTED = '[redacted]';

const TEXTS = /^(text|character|bpchar|name)/;
const UUID = 'uuid';

/** Drawn once per database; a hash tells nobody without it whose address it was. Null where it is missing. */
export const HASH_SALT = `(select s.value #>> '{}' from "backup"."setting" s where s.name = 'subject_hash_salt')`;

export interface ColumnOf {
  readonly source: SubjectSource;
  readonly columns: readonly SourceColumn[];
  readonly subject: Subject;
  /** Of the table's row. */
  readonly alias: string;
}

/** An expression without a name. With `unlessOwn`, rows in which it is the subject have the value itself. */
export function columnExpression(column: string, of: ColumnOf): string {
  const value = `${quoteIdentifier(of.alias)}.${quoteIdentifier(column)}`;
  const rule = of.source.columns.find((one) => one.column === column);
  if (rule === undefined || rule.rule === 'keep') return value;
  const text = `${value}::pg_catalog.text`;
  const withheld = {
    redact: quoteLiteral(REDACTED),
    hash: `pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(${HASH_SALT} || ${text}, 'UTF8')), 'hex')`,
    drop: 'null',
  }[rule.rule];
  if (rule.unlessOwn === null) return rule.rule === 'drop' ? withheld : `${withheld}::pg_catalog.text`;
  return `case when ${isOwn(rule.unlessOwn, of)} then ${rule.rule === 'drop' ? value : text} else ${withheld} end`;
}

/** Does the column name the subject? By the paths that begin with it, else by comparing it with the user's id or address. */
function isOwn(column: string, { source, columns, subject, alias }: ColumnOf): string {
  const paths = source.paths.filter(([hop]) => hop?.columns.includes(column));
  if (paths.length > 0) return subjectFilter(paths, alias, subject);
  const type = columns.find(({ name }) => name === column)?.type ?? '';
  const to = (identity: string) => [
    { columns: [column], to: { schema: 'auth', table: 'users', columns: [identity] }, asText: type !== UUID },
  ];
  return subjectFilter(TEXTS.test(type) ? [to('id'), to('email')] : [to('id')], alias, subject);
}
