import type { SchemaSection } from '../domain/object-path.ts';
import { platformExtensions } from './catalog-facts.ts';
import { dumpSchemaObject } from './dump-schema-object.ts';
import type { TaskContext } from './run-task.ts';

/** One section of the DDL, from the run's snapshot. */
export async function schemaTask({ task, ledger, means }: TaskContext): Promise<void> {
  const run = await ledger.readRun(task.backupId);
  const object = await dumpSchemaObject(means, {
    section: task.payload.section as SchemaSection,
    snapshot: run.consistency!.snapshot!,
    codec: run.request.codec ?? 'zstd',
    folder: run.folder!,
    attempt: task.attempts,
    excludeSchemas: run.catalog!.managedSchemas,
    platformExtensions: platformExtensions(run.catalog!),
    excludeTables: task.payload.excludeTables as { schema: string; name: string }[],
  });
  await ledger.finishTask(task, { objects: [object] });
}
