/** Which rows of a table belong to a user, as a condition that PostgreSQL can use indexes for. */
import { type Subject, type Subjects, subjectsOf } from '../domain/subject.ts';
import type { SubjectHop, SubjectPath } from '../domain/subject-types.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral } from './identifiers.ts';

/**
 * A boolean expression about the row that `alias` names (unquoted): true when any of the paths leads to the subject,
 * `false` when there is none. auth.users is never read, so it works when the auth row is gone. A key with a null in it
 * leads nowhere. Addresses compare without case. Pure; expects search_path = ''. Throws QUERY_FAILED for a zero byte.
 */
export function subjectFilter(paths: readonly SubjectPath[], alias: string, subject: Subject): string {
  return subjectsFilter(paths, alias, subjectsOf(subject));
}

/** The same for rows of any of several people. */
export function subjectsFilter(paths: readonly SubjectPath[], alias: string, subject: Subjects): string {
  const conditions = paths.map((path) => followPath(path, alias, subject));
  return conditions.length === 0 ? 'false' : `(${conditions.join(' or ')})`;
}

function followPath([hop, ...rest]: SubjectPath, alias: string, subject: Subjects): string {
  if (hop === undefined) return 'false';
  if (rest.length === 0) return isSubject(hop, alias, subject);
  const next = nextAlias(alias);
  const join = hop.columns.map((column, index) =>
    equals(columnValue(hop, alias, column), `${quoteIdentifier(next)}.${quoteIdentifier(hop.to.columns[index]!)}`, hop),
  );
  const from = qualifiedName({ schema: hop.to.schema, name: hop.to.table });
  const where = [...join, followPath(rest, next, subject)].join(' and ');
  return `exists (select from ${from} as ${quoteIdentifier(next)} where ${where})`;
}

/** One alias per depth: an inner query must not hide the row that it is about. */
function nextAlias(alias: string): string {
  const depth = /^hop_(\d+)$/.exec(alias)?.[1];
  return `hop_${depth === undefined ? 1 : Number(depth) + 1}`;
}

/** What a path compares: the column of the row that `alias` names, or the text under the hop's key. Pure. */
export function columnValue(hop: SubjectHop, alias: string, column: string): string {
  const value = `${quoteIdentifier(alias)}.${quoteIdentifier(column)}`;
  if (hop.key === undefined) return value;
  return `(${hop.rawJson === true ? readableJson(value) : value} ->> ${quoteLiteral(hop.key)})`;
}

/**
 * The type json holds \u0000 and halves of surrogate pairs, of which PostgreSQL makes no text: `->>` fails, whichever key
 * it is asked for, and one such row would end the export of everybody. They become question marks; no id has them.
 * Escaped backslashes go first, so that none of them is taken for the begin of an escape.
 */
function readableJson(value: string): string {
  const text = `${value}::pg_catalog.text`;
  const unescaped = `pg_catalog.replace(${text}, ${quoteLiteral('\\\\')}, '')`;
  const readable = `pg_catalog.regexp_replace(${unescaped}, ${quoteLiteral(UNREADABLE)}, '?', 'gi')::pg_catalog.json`;
  return `(case when ${text} ~* ${quoteLiteral(UNREADABLE)} then ${readable} else ${value} end)`;
}

const UNREADABLE = '\\\\u(0000|d[89a-f][0-9a-f]{2})';

const asText = (value: string) => `${value}::pg_catalog.text`;
const lower = (value: string) => `pg_catalog.lower(${asText(value)})`;

function equals(left: string, right: string, hop: SubjectHop): string {
  return hop.asText === true ? `${lower(left)} = ${lower(right)}` : `${left} = ${right}`;
}

function isSubject(hop: SubjectHop, alias: string, subject: Subjects): string {
  const conditions = hop.columns.map((column, index) =>
    namesSubject(columnValue(hop, alias, column), { by: hop.to.columns[index], asText: hop.asText === true }, subject),
  );
  return conditions.length === 1 ? conditions[0]! : `(${conditions.join(' and ')})`;
}

function namesSubject(
  value: string,
  { by, asText: text }: { by?: string; asText: boolean },
  subject: Subjects,
): string {
  if (by === 'id') return isId(value, text, subject.ids);
  if (by === 'email')
    return isOneOf(
      lower(value),
      subject.emails.map((email) => lower(quoteLiteral(email))),
    );
  if (by === 'phone') return isPhone(value, subject.phones);
  return 'false';
}

/** Constants without a type take the column's: a uuid column's index serves, and so does a text column's. */
function isId(value: string, text: boolean, ids: readonly string[]): string {
  if (text)
    return isOneOf(
      lower(value),
      ids.map((id) => quoteLiteral(id.toLowerCase())),
    );
  return isOneOf(
    value,
    ids.flatMap((id) => [quoteLiteral(id.toLowerCase()), quoteLiteral(id.toUpperCase())]),
  );
}

/** auth.users leaves out the plus that applications tend to keep. */
function isPhone(value: string, phones: readonly string[]): string {
  const digits = phones.map((phone) => phone.replace(/^\+/, ''));
  return isOneOf(
    asText(value),
    digits.flatMap((one) => [quoteLiteral(one), quoteLiteral(`+${one}`)]),
  );
}

function isOneOf(value: string, constants: readonly string[]): string {
  return constants.length === 0 ? 'false' : `${value} in (${constants.join(', ')})`;
}
