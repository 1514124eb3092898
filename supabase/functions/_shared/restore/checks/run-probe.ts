import type { RlsProbe } from '../../domain/project-config.ts';
import { HoldfastError } from '../../errors.ts';
import { becomeApiRole } from '../../postgres/become-api-role.ts';
import { qualifiedName, quoteLiteral } from '../../postgres/identifiers.ts';
import type { CheckContext } from '../contracts.ts';
import type { Findings } from './conclude.ts';
import { inRollback } from './in-rollback.ts';
import { queryReason, sqlStateOf } from './query-reason.ts';

/** Looks at a table as the role did when the backup was made, and compares how many rows it sees. */
export async function runProbe(context: CheckContext, probe: RlsProbe, findings: Findings): Promise<void> {
  const label = `${probe.role}${probe.subject === null ? '' : ` (${probe.subject})`} on ${probe.table}`;
  const table = await findTable(context, probe.table);
  if (table === null) {
    findings.unclear.push(`${label}: the table was not restored`);
    return;
  }
  const found = await look(context, probe, table.name);
  if ('refused' in found) findings.unclear.push(`${label} could not be tried: ${found.refused}`);
  else if (table.mixed && found.seen !== seenThen(probe)) {
    findings.unclear.push(`${label} sees ${found.seen}, then ${seenThen(probe)}; the target had rows of its own`);
  } else if (found.seen !== seenThen(probe)) {
    findings.failed.push(`${label} sees ${found.seen}, when the backup was made ${seenThen(probe)}`);
  }
}

function seenThen({ count, sqlstate }: RlsProbe): string {
  return sqlstate ? `an error (SQLSTATE ${sqlstate})` : `${count} rows`;
}

/** By the backup's name; partitioned tables have no rows of their own and are in no plan. Null: not there. */
async function findTable({ plan, session }: CheckContext, label: string) {
  const planned = plan.tables.find(({ table }) => `${table.schema}.${table.name}` === label);
  if (planned !== undefined) {
    const mixed = planned.action === 'merge' || planned.action === 'skip' || planned.table.managed;
    return { name: qualifiedName(planned.target), mixed };
  }
  const [row] = await session.query(`
    select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname || '.' || c.relname = ${quoteLiteral(label)} and c.relkind in ('r', 'p', 'f', 'v')`);
  return row === undefined ? null : { name: qualifiedName({ schema: row[0]!, name: row[1]! }), mixed: false };
}

/** Becoming the role may be refused to us, which says nothing of the table. */
async function look(
  { session }: CheckContext,
  probe: RlsProbe,
  table: string,
): Promise<{ seen: string } | { refused: string }> {
  let became = false;
  try {
    return await inRollback(session, async () => {
      await session.query(becomeApiRole(probe));
      became = true;
      const [row] = await session.query(`select count(*) from ${table}`);
      return { seen: `${row![0]} rows` };
    });
  } catch (error) {
    const reason = queryReason(error);
    // What passes by itself, such as a canceled query, says nothing of the policies.
    const refused = !became || (error instanceof HoldfastError && error.kind === 'transient');
    return !refused ? { seen: `an error (SQLSTATE ${sqlStateOf(error)})` } : { refused: reason };
  }
}
