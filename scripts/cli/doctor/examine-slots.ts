import { ok, warning } from './finding.ts';
import type { Examination } from './patient.ts';

const LARGE_LAG_BYTES = 256 * 1024 * 1024;

/** Replication slots that hold back the server's log: an abandoned one fills the disk, or is lost at 512 MB. */
export const slots: Examination = {
  name: 'slots',
  title: 'Replication slots',
  needs: 'database',
  examine: async ({ sql }) => {
    const rows = await sql!`
      select slot_name as name, active, wal_status,
        pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)::float8 as lag
      from pg_catalog.pg_replication_slots where not temporary order by slot_name`;
    if (rows.length === 0) return [ok('slots', 'there are none')];
    return rows.map(({ name, active, wal_status, lag }) => {
      const behind = `${Math.round((lag ?? 0) / 1024 / 1024)} MiB behind`;
      const drop = `select pg_drop_replication_slot('${name}');   -- only if nothing uses it any more`;
      if (wal_status === 'lost')
        return warning(name, 'was invalidated by the server and can give nothing any more', drop);
      if (!active && lag > LARGE_LAG_BYTES) return warning(name, `nobody reads it, and it is ${behind}`, drop);
      return ok(name, `${active ? 'active' : 'inactive'}, ${behind}`);
    });
  },
};
