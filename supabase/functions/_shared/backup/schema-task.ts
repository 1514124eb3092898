import type { SchemaSection } from '../domain/object-path.ts';
import type { ExcludedName } from '../postgres/dump-schema.ts';
import { openSession } from '../postgres/open-session.ts';
import { beginSnapshot } from '../postgres/snapshot.ts';
import type { RunRow, StoredSegment } from '../runs/run-row.ts';
import { platformExtensions } from './catalog-facts.ts';
import { dumpSchemaObject } from './dump-schema-object.ts';
import { WORKER_LOCK_WAIT_MS } from './lock-tables.ts';
import { pathAttempt } from './path-attempt.ts';
import type { TaskContext } from './run-task.ts';
import { writeConfigObject } from './write-config-object.ts';

/** One section of the DDL, or the project's configuration, from the run's snapshot. */
export async function schemaTask(context: TaskContext): Promise<void> {
  const { task, ledger } = context;
  const run = await ledger.readRun(task.backupId);
  const object = task.payload.section === 'config' ? await storeConfig(context, run) : await storeDdl(context, run);
  await ledger.finishTask(task, { objects: [object] });
}

function storeDdl({ task, means, limits }: TaskContext, run: RunRow): Promise<StoredSegment> {
  return dumpSchemaObject(means, {
    section: task.payload.section as SchemaSection,
    snapshot: run.consistency!.snapshot!,
    codec: run.request.codec ?? 'zstd',
    folder: run.folder!,
    attempt: pathAttempt(task),
    excludeSchemas: run.catalog!.managedSchemas,
    platformExtensions: platformExtensions(run.catalog!),
    excludeTables: task.payload.excludeTables as ExcludedName[],
    lockWaitMs: limits.lockWaitMs ?? WORKER_LOCK_WAIT_MS,
  });
}

async function storeConfig({ task, means }: TaskContext, run: RunRow): Promise<StoredSegment> {
  const session = await openSession(means.platform, means.databaseUrl, { applicationName: 'holdfast config' });
  try {
    await beginSnapshot(session, { import: run.consistency!.snapshot! });
    return await writeConfigObject(means, session, {
      source: run.catalog!,
      codec: run.request.codec ?? 'zstd',
      folder: run.folder!,
      attempt: pathAttempt(task),
    });
  } finally {
    await session.close();
  }
}
