import type { Check, CheckContext } from '../contracts.ts';
import { amcheckIndexes } from './amcheck-indexes.ts';
import { conclude, Findings } from './conclude.ts';
import { missingEntries } from './missing-entries.ts';
import { relationScope } from './relation-scope.ts';

export const indexesCheck: Check = {
  name: 'indexes',
  proves: 'Every index is there, valid and ready, and B-trees agree with their tables where amcheck can look.',
  async run(context) {
    const findings = new Findings();
    await missingEntries(context, findings, { types: ['INDEX'], presentSql: PRESENT });
    const indexes = await readIndexes(context);
    for (const { label, state } of indexes) if (state) findings.failed.push(`${label} is ${state}`);
    const trees = indexes.filter(({ state, tree }) => state === null && tree);
    const checked = await amcheckIndexes(context.session, trees, findings);
    return conclude(findings, `${indexes.length} indexes are valid; amcheck found ${checked} B-trees sound`);
  },
};

const PRESENT = `
  select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('i', 'I')`;

interface IndexFacts {
  readonly oid: string;
  readonly label: string;
  /** What is wrong with it, or null. */
  readonly state: string | null;
  /** A B-tree that has pages of its own. */
  readonly tree: boolean;
  readonly bytes: number;
}

async function readIndexes(context: CheckContext): Promise<IndexFacts[]> {
  const rows = await context.session.query(`
    select i.indexrelid::text, x.relname || ' of ' || n.nspname || '.' || c.relname,
      case when not i.indislive then 'being dropped' when not i.indisready then 'not ready'
        when not i.indisvalid then 'not valid' end,
      m.amname = 'btree' and x.relkind = 'i' and c.relpersistence <> 't',
      case when x.relkind = 'i' then pg_relation_size(x.oid) else 0 end
    from pg_index i
    join pg_class x on x.oid = i.indexrelid
    join pg_am m on m.oid = x.relam
    join pg_class c on c.oid = i.indrelid
    join pg_namespace n on n.oid = c.relnamespace
    where ${relationScope(context)}
    order by n.nspname, c.relname, x.relname`);
  return rows.map(([oid, label, state, tree, bytes]) => ({
    oid: oid!,
    label: label!,
    state: state ?? null,
    tree: tree === 't',
    bytes: Number(bytes),
  }));
}
