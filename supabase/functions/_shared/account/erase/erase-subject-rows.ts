import type { ErasureEntry } from '../../domain/erasure-entry.ts';
import type { Subject } from '../../domain/subject.ts';
import { textQuery } from '../../postgres/text-query.ts';
import { beginErasing } from './begin-erasing.ts';
import { eraseAndRecord } from './erase-and-record.ts';
import type { EraseMeans } from './erase-means.ts';
import { withoutRowTexts } from './without-row-texts.ts';

/**
 * All rows of the person in one transaction, with the record that it was done; a second call does nothing. Throws
 * ERASURE_BLOCKED, ERASURE_INCOMPLETE, and the driver's errors; then nothing was erased.
 */
export async function eraseSubjectRows(
  { sql }: Pick<EraseMeans, 'sql'>,
  { entry, subject }: { entry: ErasureEntry; subject: Subject },
): Promise<void> {
  await sql
    .begin(async (transaction) => {
      await beginErasing(textQuery(transaction));
      const [open] = await transaction`
        select from backup.erasure
        where erasure_id = ${entry.erasure_id} and stored_at is not null and rows_erased_at is null for update`;
      if (open) await eraseAndRecord(transaction, { entry, subject });
    })
    .catch((error: unknown) => {
      throw withoutRowTexts(error);
    });
}
