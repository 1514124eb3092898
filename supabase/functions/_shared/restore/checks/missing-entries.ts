import type { CheckContext } from '../contracts.ts';
import { archivedEntries } from './archived-entries.ts';
import type { Findings } from './conclude.ts';

/**
 * Entries of these types that the backup has and the target lacks go to `failed`; that nothing could be compared goes to
 * `notes`. `presentSql` gives schema and name of what the target has, the name in the words of pg_dump's headings.
 */
export async function missingEntries(
  context: CheckContext,
  findings: Findings,
  { types, presentSql }: { types: readonly string[]; presentSql: string },
): Promise<void> {
  const { entries, missing } = await archivedEntries(context);
  if (missing !== null) {
    findings.notes.push(`nothing was compared with the backup's own schema: ${missing}`);
    return;
  }
  const present = new Set((await context.session.query(presentSql)).map(([schema, name]) => `${schema}.${name}`));
  for (const { type, schema, name } of entries) {
    if (!types.includes(type) || present.has(`${schema}.${name}`)) continue;
    findings.failed.push(`${type.toLowerCase()} ${name} of schema ${schema} is in the backup and not in the database`);
  }
}
