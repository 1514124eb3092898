/** Writes proposals as decisions. What the owner decided, also while the proposal was read, stays as it is. */
import type { SubjectTable } from '../../domain/subject-types.ts';
import type { Sql } from '../../postgres/open-driver.ts';
import type { SubjectProposal } from './proposal.ts';

/** All or none; returns the tables written. Throws the driver's errors. */
export async function applyProposals(sql: Sql, proposals: readonly SubjectProposal[]): Promise<SubjectTable[]> {
  return await sql.begin(async (tx) => {
    const written: SubjectTable[] = [];
    for (const { schema, table, category, paths, confidence, reasons, columns } of proposals) {
      const note = `proposed (${confidence}): ${reasons.join('; ')}`;
      const inserted = await tx`
        insert into backup.subject_source (schema_name, table_name, decision, category, paths, note)
        values (${schema}, ${table}, 'mapped', ${category}, ${tx.json(paths as never)}, ${note})
        on conflict do nothing returning true`;
      if (inserted.length === 0) continue;
      for (const { column, rule, unlessOwn } of columns) {
        await tx`
          insert into backup.subject_column (schema_name, table_name, column_name, rule, unless_own)
          values (${schema}, ${table}, ${column}, ${rule}, ${unlessOwn})
          on conflict do nothing`;
      }
      written.push({ schema, table });
    }
    return written;
  });
}
