import { EnvironmentReader } from '../../supabase/functions/_shared/config/environment-reader.ts';
import type { Environment } from '../../supabase/functions/_shared/config.ts';
import { countWords } from '../../supabase/functions/_shared/domain/count-words.ts';
import { catalogueError } from '../../supabase/functions/_shared/errors/driver-error.ts';
import { openDriver } from '../../supabase/functions/_shared/postgres/open-driver.ts';
import { readBackups } from '../../supabase/functions/_shared/restore/read-backups.ts';
import { type RebuiltLedger, rebuildLedger } from '../../supabase/functions/_shared/runs/rebuild-ledger.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { damagedJson, warnOfDamaged } from './damaged-words.ts';
import { EXIT } from './exit-code.ts';
import type { Output } from './run-export.ts';
import { line } from './terminal.ts';
import { warn } from './warnings.ts';

/** A manifest of 100,000 segments is one statement. */
const STATEMENT_TIMEOUT_MS = 600_000;

export interface RebuildRun extends Output {
  readonly databaseUrl: string;
  readonly dryRun: boolean;
}

/** DATABASE_URL. Throws CONFIG_INVALID. */
export function ledgerUrl(environment: Environment): string {
  const reader = new EnvironmentReader(environment);
  return reader.done({ url: reader.required('DATABASE_URL') }).url.reveal();
}

/** Returns the exit code. Throws LEDGER_MISSING and what store and database throw. */
export async function rebuildCatalogue(store: Store, run: RebuildRun): Promise<number> {
  const sql = openDriver(run.databaseUrl, {
    applicationName: 'holdfast catalogue',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const { dryRun } = run;
  try {
    const rebuilt = await rebuildLedger(sql, { store, backups: readBackups(store), dryRun });
    report(store, rebuilt, run);
    return rebuilt.damaged.length > 0 ? EXIT.completedWithLimits : EXIT.ok;
  } catch (error) {
    throw catalogueError(error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function report(store: Store, rebuilt: RebuiltLedger, run: RebuildRun): void {
  const { added, kept, damaged, gone, elsewhere } = rebuilt;
  const out = run.terminal.stdout;
  if (run.json) {
    const named = (rows: RebuiltLedger['gone']) =>
      rows.map(({ backupId, folder }) => ({ backup_id: backupId, folder }));
    const counts = { kept, elsewhere, damaged: damagedJson(damaged) };
    const answer = { location: store.location, dry_run: run.dryRun, added: named(added), gone: named(gone), ...counts };
    line(out, JSON.stringify(answer));
    return;
  }
  for (const { backupId } of added) line(out, `${run.dryRun ? 'would add' : 'added'} ${backupId}`);
  const verb = run.dryRun ? 'would be added' : 'added';
  line(out, `${countWords(added.length, 'backup')} ${verb} to the ledger from ${store.location}; ${kept} known before`);
  if (elsewhere > 0) line(out, `${countWords(elsewhere, 'backup')} of other stores left alone`);
  for (const { backupId, folder } of gone)
    warn(run, `${backupId} is in the ledger, but ${folder} has no manifest any more; its row was left alone`);
  warnOfDamaged(damaged, run);
}
