import { quoteIdentifier } from '../../postgres/identifiers.ts';
import type { Check, CheckContext } from '../contracts.ts';
import { isNotValid } from '../schedule-entries.ts';
import { codeTokens } from '../sql-lexer.ts';
import { archivedEntries } from './archived-entries.ts';
import { conclude, Findings } from './conclude.ts';
import { missingEntries } from './missing-entries.ts';
import { queryReason } from './query-reason.ts';
import { relationScope } from './relation-scope.ts';

export const foreignKeysCheck: Check = {
  name: 'foreign-keys',
  proves: 'Every foreign key is there, validated if the backup has it so, and every reference leads to a row.',
  async run(context) {
    const findings = new Findings();
    await missingEntries(context, findings, { types: ['FK CONSTRAINT'], presentSql: PRESENT });
    const keys = await readKeys(context);
    const valid = await validInBackup(context);
    for (const key of keys) await checkKey(context, { key, valid }, findings);
    return conclude(findings, `${keys.length} foreign keys hold, no row lacks the one that it refers to`);
  },
};

const PRESENT = `
  select n.nspname, c.relname || ' ' || k.conname
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  where k.contype = 'f'`;

/** `schema.table key` of the keys that the backup's DDL does not say to be NOT VALID. */
async function validInBackup(context: CheckContext): Promise<ReadonlySet<string>> {
  const { entries } = await archivedEntries(context);
  const valid = entries.filter(({ type, sql }) => type === 'FK CONSTRAINT' && !isNotValid(codeTokens(sql)));
  return new Set(valid.map(({ schema, name }) => `${schema}.${name}`));
}

interface ForeignKey {
  readonly name: string;
  /** As the backup's DDL names it, with its schema. */
  readonly entry: string;
  /** Already quoted, with `only` where the key does not reach into child tables. */
  readonly from: string;
  readonly to: string;
  readonly validated: boolean;
  readonly full: boolean;
  /** Own column, the operator that the server compares with, column of the other table. */
  readonly columns: readonly (readonly [own: string, operator: string, other: string])[];
}

/** A partition's copy of its parent's key (conparentid) is checked with the parent. */
const KEYS = (scope: string) => `
  select json_build_object(
    'name', k.conname || ' of ' || n.nspname || '.' || c.relname,
    'entry', n.nspname || '.' || c.relname || ' ' || k.conname,
    'from', case when c.relkind = 'p' then '' else 'only ' end || format('%I.%I', n.nspname, c.relname),
    'to', case when r.relkind = 'p' then '' else 'only ' end || format('%I.%I', rn.nspname, r.relname),
    'validated', k.convalidated,
    'full', k.confmatchtype = 'f',
    'columns', (
      select json_agg(json_build_array(a.attname, format('operator(%I.%s)', op.nspname, o.oprname), b.attname) order by x.at)
      from unnest(k.conkey, k.confkey, k.conpfeqop) with ordinality as x (own, other, operator, at)
      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = x.own
      join pg_attribute b on b.attrelid = k.confrelid and b.attnum = x.other
      join pg_operator o on o.oid = x.operator
      join pg_namespace op on op.oid = o.oprnamespace))
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_class r on r.oid = k.confrelid
  join pg_namespace rn on rn.oid = r.relnamespace
  where k.contype = 'f' and k.conparentid = 0 and ${scope}
  order by n.nspname, c.relname, k.conname`;

async function readKeys(context: CheckContext): Promise<ForeignKey[]> {
  const rows = await context.session.query(KEYS(relationScope(context)));
  return rows.map(([json]) => JSON.parse(json!));
}

async function checkKey(
  { session }: CheckContext,
  { key, valid }: { key: ForeignKey; valid: ReadonlySet<string> },
  findings: Findings,
): Promise<void> {
  const wasValid = valid.has(key.entry);
  if (!key.validated && wasValid) findings.failed.push(`${key.name} is not validated, in the backup it is`);
  try {
    const [row] = await session.query(orphansSql(key));
    judge({ key, wasValid, orphans: Number(row![0]) }, findings);
  } catch (error) {
    findings.unclear.push(`${key.name} could not be followed: ${queryReason(error)}`);
  }
}

/**
 * MATCH SIMPLE: one null column and the row refers to nothing. MATCH FULL: only when all are null; a row with some null
 * violates the key, and as it equals no row the anti-join counts it.
 */
function orphansSql({ from, to, full, columns }: ForeignKey): string {
  const refers = columns.map(([own]) => `f.${quoteIdentifier(own)} is not null`).join(full ? ' or ' : ' and ');
  const equal = columns.map(
    ([own, operator, other]) => `p.${quoteIdentifier(other)} ${operator} f.${quoteIdentifier(own)}`,
  );
  return `select count(*) from ${from} f
    where (${refers}) and not exists (select from ${to} p where ${equal.join(' and ')})`;
}

function judge(
  { key, wasValid, orphans }: { key: ForeignKey; wasValid: boolean; orphans: number },
  findings: Findings,
): void {
  const { name, validated } = key;
  if (validated || wasValid) {
    if (orphans > 0) findings.failed.push(`${name} has ${orphans} rows that refer to nothing`);
  } else if (orphans > 0) {
    findings.unclear.push(
      `${name} is not valid and has ${orphans} rows that refer to nothing, as it may have had at the source`,
    );
  } else {
    findings.notes.push(`${name} is not marked as valid; all its rows refer to one`);
  }
}
