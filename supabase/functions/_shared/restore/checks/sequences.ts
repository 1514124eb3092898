import { quoteIdentifier } from '../../postgres/identifiers.ts';
import type { Check, CheckContext } from '../contracts.ts';
import { conclude, Findings } from './conclude.ts';
import { queryReason } from './query-reason.ts';
import { relationScope } from './relation-scope.ts';

export const sequencesCheck: Check = {
  name: 'sequences',
  proves: 'Every sequence of a serial or identity column gives next a value that the column does not have yet.',
  async run(context) {
    const findings = new Findings();
    const sequences = await readSequences(context);
    for (const sequence of sequences) await checkSequence(context, sequence, findings);
    return conclude(findings, `${sequences.length} sequences are ahead of their columns`);
  },
};

interface OwnedSequence {
  readonly name: string;
  /** Quoted. */
  readonly relation: string;
  readonly table: string;
  readonly column: string;
  readonly label: string;
  readonly ascending: boolean;
  readonly cycles: boolean;
  readonly numeric: boolean;
}

/** Deptype `a`: serial, or owned by; `i`: identity. */
const SEQUENCES = (scope: string) => `
  select json_build_object(
    'name', sn.nspname || '.' || s.relname,
    'relation', format('%I.%I', sn.nspname, s.relname),
    'table', format('%I.%I', n.nspname, c.relname),
    'column', a.attname,
    'label', n.nspname || '.' || c.relname || '.' || a.attname,
    'ascending', q.seqincrement > 0,
    'cycles', q.seqcycle,
    'numeric', t.typcategory = 'N')
  from pg_depend d
  join pg_class s on s.oid = d.objid and s.relkind = 'S'
  join pg_namespace sn on sn.oid = s.relnamespace
  join pg_sequence q on q.seqrelid = s.oid
  join pg_class c on c.oid = d.refobjid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
  join pg_type t on t.oid = a.atttypid
  where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
    and d.refobjsubid > 0 and ${scope}
  order by sn.nspname, s.relname`;

async function readSequences(context: CheckContext): Promise<OwnedSequence[]> {
  const rows = await context.session.query(SEQUENCES(relationScope(context)));
  return rows.map(([json]) => JSON.parse(json!));
}

async function checkSequence({ session }: CheckContext, sequence: OwnedSequence, findings: Findings): Promise<void> {
  if (!sequence.numeric) {
    findings.unclear.push(`${sequence.name} feeds ${sequence.label}, whose type is not numeric`);
    return;
  }
  try {
    const [row] = await session.query(lagSql(sequence));
    const [last, extreme, lags] = row!;
    if (lags === 't') report(sequence, { last: last!, extreme: extreme! }, findings);
  } catch (error) {
    findings.unclear.push(`${sequence.name} could not be compared: ${queryReason(error)}`);
  }
}

/** A sequence that was never called gives last_value itself next. Children of the table share the sequence: no `only`. */
function lagSql({ relation, table, column, ascending }: OwnedSequence): string {
  const extreme = `${ascending ? 'max' : 'min'}(${quoteIdentifier(column)})`;
  const [calledLags, freshLags] = ascending ? ['<', '<='] : ['>', '>='];
  return `
    select s.last_value, m.extreme,
      coalesce(case when s.is_called then s.last_value ${calledLags} m.extreme
        else s.last_value ${freshLags} m.extreme end, false)
    from ${relation} s cross join (select ${extreme} as extreme from ${table}) m`;
}

function report(
  { name, label, cycles }: OwnedSequence,
  { last, extreme }: Record<'last' | 'extreme', string>,
  findings: Findings,
): void {
  const text = `${name} is at ${last}, ${label} is at ${extreme} already`;
  if (cycles) findings.unclear.push(`${text}; the sequence cycles, so that may be right`);
  else findings.failed.push(text);
}
