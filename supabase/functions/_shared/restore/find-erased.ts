/** Finds erased people in the target by the hashes of the ledger: the server hashes, and only what matches leaves it. */
import {
  type ErasedTable,
  type ErasureEntry,
  MARK_PREFIXES,
  markOf,
  type SubjectMark,
} from '../domain/erasure-entry.ts';
import type { Subject } from '../domain/subject.ts';
import { nameOf, type TableRef } from '../postgres/erase-catalog.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/identifiers.ts';
import { columnValue } from '../postgres/subject-filter.ts';
import type { TextQuery } from '../postgres/text-query.ts';

export interface FoundMarks {
  /** Texts of the target's tables by their hashes. */
  readonly texts: Readonly<Record<SubjectMark, ReadonlyMap<string, string>>>;
  /** Accounts of the target that have an erased id, or an address or number that was an erased person's. */
  readonly accounts: readonly Subject[];
}

interface End {
  readonly sql: string;
  readonly mark: SubjectMark;
  readonly table: string;
}

/** Throws what the query throws. */
export async function findErased(
  query: TextQuery,
  {
    entries,
    actions,
    owners,
    hasUsers,
  }: {
    entries: readonly ErasureEntry[];
    actions: readonly ErasedTable[];
    /** See fileOwners(). */
    owners: readonly string[];
    hasUsers: boolean;
  },
): Promise<FoundMarks> {
  const texts = { id: new Map<string, string>(), email: new Map<string, string>(), phone: new Map<string, string>() };
  const hashes = (mark: SubjectMark) => [
    ...new Set(entries.map(({ subject }) => subject[mark]).filter((one): one is string => one !== null)),
  ];
  const files = owners.map((sql): End => ({ sql, mark: 'id', table: 'storage.objects' }));
  const distinct = new Map([...endsOf(actions), ...files].map((end) => [JSON.stringify(end), end]));
  for (const { sql, mark, table } of distinct.values()) {
    const wanted = hashes(mark);
    if (wanted.length === 0) continue;
    const rows = await query(`
      select v from (select distinct ${sql} as v from ${table} as t) as texts where ${isErased('v', mark, wanted)}`);
    for (const [text] of rows) if (text != null) texts[mark].set(markOf(mark, text), text);
  }
  const accounts = hasUsers ? await findAccounts(query, hashes) : [];
  for (const { id } of accounts) texts.id.set(markOf('id', id), id);
  return { texts, accounts };
}

async function findAccounts(query: TextQuery, hashes: (mark: SubjectMark) => string[]): Promise<Subject[]> {
  const marks = (['id', 'email', 'phone'] as const).filter((mark) => hashes(mark).length > 0);
  if (marks.length === 0) return [];
  const conditions = marks.map((mark) => isErased(valueSql(mark, mark), mark, hashes(mark)));
  const rows = await query(`
    select ${valueSql('id', 'id')}, nullif(${valueSql('email', 'email')}, ''), nullif(${valueSql('phone', 'phone')}, '')
    from auth.users as t where ${conditions.join(' or ')}`);
  return rows.map(([id, email, phone]) => ({ id: id!, email: email ?? null, phone: phone ?? null }));
}

function isErased(value: string, mark: SubjectMark, hashes: readonly string[]): string {
  const text = `pg_catalog.convert_to(${quoteLiteral(MARK_PREFIXES[mark])} || ${value}, 'UTF8')`;
  return `pg_catalog.encode(pg_catalog.sha256(${text}), 'hex') in (${hashes.map(quoteLiteral).join(', ')})`;
}

function endsOf(actions: readonly ErasedTable[]): End[] {
  return actions.flatMap(({ schema, table, paths }) =>
    paths.flatMap((path) => {
      const last = path.at(-1)!;
      const before: TableRef = path.length > 1 ? path.at(-2)!.to : { schema, table };
      return last.to.columns.flatMap((column, at): End[] => {
        if (column !== 'id' && column !== 'email' && column !== 'phone') return [];
        const value = columnValue(last, 't', last.columns[at]!);
        return [{ mark: column, table: nameOf(before), sql: normal(value, column) }];
      });
    }),
  );
}

const valueSql = (column: string, mark: SubjectMark) => normal(`t.${quoteIdentifier(column)}`, mark);

/** As markOf() does it. */
function normal(value: string, mark: SubjectMark): string {
  const text = `${value}::pg_catalog.text`;
  return mark === 'phone' ? `pg_catalog.ltrim(${text}, '+')` : `pg_catalog.lower(${text})`;
}
