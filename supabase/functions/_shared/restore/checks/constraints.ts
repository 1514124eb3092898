import type { Check, CheckContext } from '../contracts.ts';
import { conclude, Findings } from './conclude.ts';
import { missingEntries } from './missing-entries.ts';
import { queryReason } from './query-reason.ts';
import { relationScope } from './relation-scope.ts';
import { checkTriggers } from './trigger-states.ts';

export const constraintsCheck: Check = {
  name: 'constraints',
  proves: 'Constraints and triggers are there, constraints hold, and triggers are on that were on.',
  async run(context) {
    const findings = new Findings();
    const types = ['CONSTRAINT', 'CHECK CONSTRAINT'];
    await missingEntries(context, findings, { types, presentSql: PRESENT });
    const unproved = await readUnproved(context);
    for (const one of unproved) await countViolations(context, one, findings);
    for (const name of await readUnbacked(context)) findings.failed.push(`${name} rests on an index that is not valid`);
    const triggers = await checkTriggers(context, findings);
    return conclude(findings, `all constraints hold and ${triggers} triggers are as they were`);
  },
};

const PRESENT = `
  select n.nspname, coalesce(c.relname, t.typname) || ' ' || k.conname
  from pg_constraint k
  join pg_namespace n on n.oid = k.connamespace
  left join pg_class c on c.oid = k.conrelid
  left join pg_type t on t.oid = k.contypid`;

interface Unproved {
  readonly label: string;
  readonly relation: string;
  readonly expression: string;
}

/** Check constraints that the server has not compared with every row; the others it has, while the rows came in. */
async function readUnproved(context: CheckContext): Promise<Unproved[]> {
  const rows = await context.session.query(`
    select k.conname || ' of ' || n.nspname || '.' || c.relname,
      case when c.relkind = 'p' then '' else 'only ' end || format('%I.%I', n.nspname, c.relname),
      pg_get_expr(k.conbin, k.conrelid)
    from pg_constraint k
    join pg_class c on c.oid = k.conrelid
    join pg_namespace n on n.oid = c.relnamespace
    where k.contype = 'c' and not k.convalidated and ${relationScope(context)}
    order by 1`);
  return rows.map(([label, relation, expression]) => ({
    label: label!,
    relation: relation!,
    expression: expression!,
  }));
}

async function countViolations({ session }: CheckContext, one: Unproved, findings: Findings): Promise<void> {
  try {
    const [row] = await session.query(`select count(*) from ${one.relation} where not (${one.expression})`);
    const count = Number(row![0]);
    if (count === 0) findings.notes.push(`${one.label} is not marked as valid; all rows satisfy it`);
    else
      findings.unclear.push(`${one.label} is not valid and ${count} rows violate it, as they may have at the source`);
  } catch (error) {
    findings.unclear.push(`${one.label} could not be compared with its rows: ${queryReason(error)}`);
  }
}

/** Primary keys, unique and exclusion constraints hold as long as their index does. */
async function readUnbacked(context: CheckContext): Promise<string[]> {
  const rows = await context.session.query(`
    select k.conname || ' of ' || n.nspname || '.' || c.relname
    from pg_constraint k
    join pg_index i on i.indexrelid = k.conindid
    join pg_class c on c.oid = k.conrelid
    join pg_namespace n on n.oid = c.relnamespace
    where k.contype in ('p', 'u', 'x') and not (i.indisvalid and i.indisready) and ${relationScope(context)}
    order by 1`);
  return rows.map(([label]) => label!);
}
