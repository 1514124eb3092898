import type { Sql } from 'postgres';

/**
 * Whether a full backup cannot be asked for yet: the project was configured less than `hours` ago, none is completed,
 * and none has failed either. A row without a folder and an error of ours is another system's.
 */
export async function awaitsFirstBackup(sql: Sql, { now, hours }: { now: Date; hours: number }): Promise<boolean> {
  const [row] = await sql`
    select updated_at > ${new Date(now.getTime() - hours * 3_600_000)} and not exists (
      select from public.backup_log
      where status in ('completed', 'completed_with_limits', 'failed')
        and (folder is not null or error ->> 'code' is not null) and coalesce(request ->> 'scope', 'full') = 'full'
        and not request ? 'where' and started_at <= ${now}) as awaits
    from backup.setting where name = 'functions_url'`;
  return row?.awaits === true;
}
