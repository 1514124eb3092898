import { type ExportRecord, findExport } from '../_shared/account/export/export-record.ts';
import { ERRORS } from '../_shared/errors.ts';
import type { Means } from './route.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** No export has it: what is no id at all is looked for all the same, and takes as long. */
const NOBODYS = '00000000-0000-0000-0000-000000000000';

/** Throws NOT_FOUND, the same for another user's export as for one that never was. */
export async function findOwnExport({ sql, userId }: Means, id: string): Promise<ExportRecord> {
  const record = await findExport(sql, userId, UUID.test(id) ? id : NOBODYS);
  if (record === null) throw unknownExport();
  return record;
}

export function unknownExport() {
  return ERRORS.NOT_FOUND('you have no such export', { hint: 'Use an export_id that this account was given.' });
}
