import type { Check } from '../contracts.ts';
import { conclude, Findings } from './conclude.ts';

export const storageFilesCheck: Check = {
  name: 'storage-files',
  proves: 'Every row of storage.objects has its file in the backup.',
  async run({ session }) {
    const findings = new Findings();
    const [there] = await session.query(`select to_regclass('storage.objects') is not null`);
    if (there![0] !== 't') return conclude(findings, 'the database has no table storage.objects');
    const [counted] = await session.query('select count(*) from storage.objects');
    const rows = Number(counted![0]);
    if (rows > 0) {
      findings.unclear.push(
        `storage.objects has ${rows} rows, and the backup has no list of files to compare them with`,
      );
    }
    return conclude(findings, 'storage.objects has no rows: no file is missing');
  },
};
