import { quoteIdentifier } from '../../postgres/identifiers.ts';
import type { Check, CheckContext } from '../contracts.ts';
import { conclude, Findings } from './conclude.ts';
import { queryReason } from './query-reason.ts';
import { relationScope } from './relation-scope.ts';

/** Heap bytes of a table above which a drill does not compute every row again. */
const MAX_TABLE_BYTES = 1024 * 1024 * 1024;

export const generatedColumnsCheck: Check = {
  name: 'generated-columns',
  proves: 'Every stored generated column has what its expression gives.',
  async run(context) {
    const findings = new Findings();
    const columns = await readColumns(context);
    for (const column of columns) await checkColumn(context, column, findings);
    return conclude(findings, `${columns.length} generated columns have what their expressions give`);
  },
};

interface GeneratedColumn {
  readonly label: string;
  /** Quoted. */
  readonly relation: string;
  readonly name: string;
  readonly type: string;
  readonly expression: string;
  readonly bytes: number;
}

async function readColumns(context: CheckContext): Promise<GeneratedColumn[]> {
  const rows = await context.session.query(`
    select json_build_object(
      'label', n.nspname || '.' || c.relname || '.' || a.attname,
      'relation', format('%I.%I', n.nspname, c.relname),
      'name', a.attname,
      'type', format_type(a.atttypid, a.atttypmod),
      'expression', pg_get_expr(d.adbin, d.adrelid),
      'bytes', pg_relation_size(c.oid))
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid and c.relkind = 'r'
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attgenerated = 's' and not a.attisdropped and ${relationScope(context)}
    order by n.nspname, c.relname, a.attnum`);
  return rows.map(([json]) => JSON.parse(json!));
}

async function checkColumn({ session }: CheckContext, column: GeneratedColumn, findings: Findings): Promise<void> {
  if (column.bytes > MAX_TABLE_BYTES) {
    findings.unclear.push(`${column.label}: too large for this drill, ${column.bytes} bytes of ${MAX_TABLE_BYTES}`);
    return;
  }
  try {
    const [row] = await session.query(staleSql(column));
    const count = Number(row![0]);
    if (count > 0) findings.failed.push(`${column.label} has ${count} rows that its expression does not give`);
  } catch (error) {
    findings.unclear.push(`${column.label} could not be computed again: ${queryReason(error)}`);
  }
}

/** Compared as text: json, xml, point and others have no equality. */
function staleSql({ relation, name, type, expression }: GeneratedColumn): string {
  const computed = `cast((${expression}) as ${type})::text`;
  return `select count(*) from only ${relation} where ${computed} is distinct from ${quoteIdentifier(name)}::text`;
}
