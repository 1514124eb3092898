/** Chooses the backup, drills it with progress, and records the result where a database is given. */
import { nodePlatform } from '../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../supabase/functions/_shared/postgres/open-driver.ts';
import { recoverySeconds } from '../../supabase/functions/_shared/restore/drill/drill-head.ts';
import { reportToJson } from '../../supabase/functions/_shared/restore/report-json.ts';
import {
  type DrillReport,
  drillError,
  runDrill,
  saysNothing,
} from '../../supabase/functions/_shared/restore/run-drill.ts';
import { recordDrill } from '../../supabase/functions/_shared/runs/record-drill.ts';
import { chooseDrillBackup } from './choose-drill-backup.ts';
import { listenForInterrupt } from './interrupt.ts';
import { openBackup } from './open-backup.ts';
import { openDrillDatabase } from './open-drill-database.ts';
import { type ErasureOptions, openErasures } from './open-erasures.ts';
import { restoreProgress } from './restore-progress.ts';
import type { CheckedRestore } from './restore-setup.ts';
import type { Terminal } from './terminal.ts';

export interface Drill {
  readonly kind: 'weekly' | 'monthly' | 'on-demand';
  readonly input: CheckedRestore;
  readonly erasures: ErasureOptions;
  /** Where backup_tests is; null: nothing is recorded. */
  readonly databaseUrl: string | null;
  readonly terminal: Terminal;
}

const ENVIRONMENT = 'this machine';

/** `recorded`: the id in backup_tests. A drill that could not even begin is recorded too, and thrown. */
export async function makeDrill(drill: Drill): Promise<{ report: DrillReport; recorded: string | null }> {
  const startedAt = new Date();
  const input = await chosen(drill);
  const { archive, close } = await openBackup(input, drill.terminal);
  const erasures = await openErasures(drill.erasures, input).catch(async (error) => {
    await close();
    throw error;
  });
  const { backup_id: backupId } = archive.manifest;
  const progress = restoreProgress(drill.terminal, { verbose: false });
  const interrupt = listenForInterrupt(() => progress.stop());
  try {
    const report = await runDrill({
      archive,
      erasures,
      platform: nodePlatform,
      openDatabase: () => openDrillDatabase(archive.manifest),
      jobs: input.options.restore.jobs,
      onEvent: (event) => progress.show(event),
      signal: interrupt.signal,
    });
    return { report, recorded: await record(drill, { backupId, startedAt, ...outcome(report) }) };
  } catch (error) {
    const known = drillError(error);
    const verdict = saysNothing(known.code) ? 'inconclusive' : 'failed';
    const failure = {
      environment: ENVIRONMENT,
      verdict,
      errors: [known],
      verified: {},
      notes: '',
      report: null,
    } as const;
    await record(drill, { backupId, startedAt, ...failure });
    throw error;
  } finally {
    interrupt.dispose();
    progress.stop();
    await close();
  }
}

async function chosen({ kind, input }: Drill): Promise<CheckedRestore> {
  const { source } = input;
  if (kind === 'on-demand' || source.kind !== 'store') return input;
  return { ...input, source: { ...source, wanted: await chooseDrillBackup(source.store, kind) } };
}

function outcome(report: DrillReport) {
  const failed = report.checks.filter(({ verdict }) => verdict === 'failed');
  return {
    environment: report.environment,
    verdict: report.verdict,
    errors: [
      ...(report.error ? [report.error] : []),
      ...failed.map(({ name, detail, findings }) => ({ check: name, detail, findings: findings.slice(0, 20) })),
    ],
    verified: {
      verdict: report.verdict,
      recovery_seconds: recoverySeconds(report),
      phases: report.phases.map(({ name, seconds, verdict }) => ({ name, seconds, verdict })),
      checks: report.checks.map(({ name, verdict, detail }) => ({ name, verdict, detail })),
      tables: report.tables.length,
      rows: report.tables.reduce((sum, { rows }) => sum + rows, 0),
    },
    notes: report.differences.join('; ').slice(0, 4000),
    report: reportToJson(report),
  };
}

type Outcome = Omit<Parameters<typeof recordDrill>[1], 'kind'>;

async function record({ kind, databaseUrl }: Drill, result: Outcome): Promise<string | null> {
  if (databaseUrl === null) return null;
  const sql = openDriver(databaseUrl, { platform: nodePlatform, applicationName: 'holdfast drill' });
  try {
    return await recordDrill(sql, { kind, ...result });
  } finally {
    await sql.end({ timeout: 5 });
  }
}
