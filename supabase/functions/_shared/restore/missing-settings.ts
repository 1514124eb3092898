import type { PgSession } from '../postgres/session.ts';

/**
 * Backups hold no rows of backup.setting: an address, a secret and limits are of one database. What to do about it in a
 * target that has Holdfast and no setting yet, in words for people. Throws what the query throws.
 */
export async function missingSettings(session: PgSession): Promise<string[]> {
  const [table] = await session.query(`
    select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'backup' and c.relname = 'setting' and c.relkind = 'r' and pg_catalog.pg_has_role(c.relowner, 'usage')
      and pg_catalog.to_regprocedure('backup.setting_int(text, integer)') is not null`);
  if (table === undefined) return [];
  const [row] = await session.query('select from backup.setting limit 1');
  if (row !== undefined) return [];
  return [
    "Holdfast's own settings (backup.setting) are in no backup: run select backup.configure() with the address of the functions, and set again what was not as preset, such as subject_file_folders, without which files in users' folders are neither exported nor erased",
  ];
}
