-- Which backups hold an erased person was noted when the erasure completed, of the backups that the ledger knew then. It
-- may learn of others later: those of the command line, or all of them in a new project, come with a rebuild from the
-- store; erasures come with a ledger that is taken over. So it is asked of the rows as they are now.
create or replace function backup.erasures_in_backups()
returns table (id text, erasure_id uuid, backup_id text, due_at timestamptz)
language sql
stable
set search_path = ''
as $$
  select l.backup_id || ' holds erasure ' || e.erasure_id, e.erasure_id, l.backup_id,
         coalesce(n.must_end_by, e.rows_erased_at + make_interval(days => backup.setting_int('erased_data_days', 365)))
  from public.backup_log l
  join backup.erasure e
    on e.state = 'completed' and e.rows_erased_at is not null and l.started_at <= coalesce(e.ended_at, e.rows_erased_at)
  left join backup.erased_in_backup n on n.backup_id = l.backup_id and n.erasure_id = e.erasure_id
  where l.status in ('in_progress', 'completed', 'completed_with_limits')
  order by 4, 3
$$;
comment on function backup.erasures_in_backups() is 'Backups that still hold data of erased people, and by when each must be gone.';

revoke all on function
  backup.erasures_in_backups(), backup.erasure_ledger_id(), backup.take_over_erasure_ledger(uuid),
  backup.withdraw_ledger_entry(uuid), backup.hold_operator_export(uuid),
  backup.end_abandoned_operator_export(uuid, text)
from public;
