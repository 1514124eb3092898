import { displayName } from '../../supabase/functions/_shared/archive/display-name.ts';
import { countWords } from '../../supabase/functions/_shared/domain/count-words.ts';
import type { Manifest } from '../../supabase/functions/_shared/domain/manifest-types.ts';
import { type DamagedBackup, readBackups } from '../../supabase/functions/_shared/restore/read-backups.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import type { ListFilter } from './catalogue-options.ts';
import { damagedJson, warnOfDamaged } from './damaged-words.ts';
import { EXIT } from './exit-code.ts';
import { plainTable } from './plain-table.ts';
import type { Output } from './run-export.ts';
import { sizeWords } from './size-words.ts';
import { line } from './terminal.ts';

type Listed = ReturnType<typeof listed>;

/** Returns the exit code. Throws STORE_*. */
export async function listCatalogue(store: Store, filter: ListFilter, output: Output): Promise<number> {
  const backups: Listed[] = [];
  const damaged: DamagedBackup[] = [];
  const wanted = ({ cadence, startedAt }: { cadence: string; startedAt: Date }) =>
    (filter.cadence === null || cadence === filter.cadence) && (filter.since === null || startedAt >= filter.since);
  for await (const backup of readBackups(store, wanted)) {
    if ('problem' in backup) damaged.push(backup);
    else backups.push(listed(backup.folder, backup.manifest));
  }
  backups.sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
  const shown = backups.slice(0, filter.limit);
  if (output.json) {
    const answer = { location: store.location, backups: shown, more: backups.length - shown.length };
    line(output.terminal.stdout, JSON.stringify({ ...answer, damaged: damagedJson(damaged) }));
  } else {
    for (const text of listText(store, shown, backups.length)) line(output.terminal.stdout, text);
    warnOfDamaged(damaged, output);
  }
  return damaged.length > 0 ? EXIT.completedWithLimits : EXIT.ok;
}

/** Without tables and objects: a store has many manifests, and they may be large. */
function listed(folder: string, manifest: Manifest) {
  return {
    backup_id: manifest.backup_id,
    folder,
    cadence: manifest.cadence,
    period: manifest.period,
    label: manifest.label ?? null,
    created_at: manifest.created_at,
    taken_at: manifest.consistency.taken_at,
    status: manifest.status,
    tables: manifest.totals.tables,
    rows: manifest.totals.rows,
    stored_bytes: manifest.totals.stored_bytes,
    encrypted_to: (manifest.encryption?.recipients ?? []).map(({ user_id, fingerprint }) => user_id || fingerprint),
    signed: manifest.signing !== null,
  };
}

function listText(store: Store, shown: readonly Listed[], found: number): string[] {
  if (found === 0) return [`There is no such backup in ${store.location}.`];
  const table = plainTable(
    ['backup', 'cadence', 'period', 'taken at (UTC)', 'status', 'tables', 'rows', 'size', 'encrypted to', 'signed'],
    ['left', 'left', 'left', 'left', 'left', 'right', 'right', 'right', 'left', 'left'],
  );
  for (const backup of shown) {
    table.push([
      backup.backup_id,
      backup.cadence,
      displayName(backup.period),
      backup.taken_at.slice(0, 19).replace('T', ' '),
      backup.status.replaceAll('_', ' '),
      backup.tables.toLocaleString('en-US'),
      backup.rows.toLocaleString('en-US'),
      sizeWords(backup.stored_bytes),
      displayName(backup.encrypted_to.join(', ')) || 'nobody',
      backup.signed ? 'yes' : 'no',
    ]);
  }
  const all = shown.length === found ? '' : ` of ${found.toLocaleString('en-US')}`;
  return [table.toString(), `${countWords(shown.length, 'backup')}${all} in ${store.location}`];
}
