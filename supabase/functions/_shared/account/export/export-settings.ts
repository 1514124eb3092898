import type { Sql } from '../../postgres/open-driver.ts';
import type { ExportLimits } from './exporting.ts';

export interface ExportSettings {
  /** What is larger is made by a job. Rows' bytes as they are stored, and those of files. */
  readonly streamRows: number;
  readonly streamBytes: number;
  readonly streamFiles: number;
  readonly sliceBytes: number;
  readonly limits: ExportLimits;
  /** Where users reach this function: a path, or a URL; for the links in answers. */
  readonly publicUrl: string;
}

const DEFAULT_URL = '/functions/v1/account';

/** The rows of backup.setting that begin with `account_export`. */
export async function readExportSettings(sql: Sql): Promise<ExportSettings> {
  const rows = await sql<{ name: string; value: unknown }[]>`
    select name, value from backup.setting where name like 'account\\_%'`;
  const values = new Map(rows.map(({ name, value }) => [name, value]));
  const number = (name: string, usual: number) => {
    const value = values.get(name);
    return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : usual;
  };
  const url = values.get('account_public_url');
  return {
    streamRows: number('account_export_stream_rows', 5000),
    streamBytes: number('account_export_stream_bytes', 8 * 1024 * 1024),
    streamFiles: number('account_export_stream_files', 50),
    sliceBytes: Math.max(65_536, number('account_export_slice_bytes', 20 * 1024 * 1024)),
    limits: {
      maxBytes: number('account_export_max_bytes', 50 * 1024 ** 3),
      maxFiles: number('account_export_max_files', 20_000),
      maxRowBytes: number('account_export_max_row_bytes', 16 * 1024 * 1024),
    },
    publicUrl: typeof url === 'string' ? url.replace(/\/+$/, '') : DEFAULT_URL,
  };
}
