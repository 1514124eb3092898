import { ERRORS } from '../../errors.ts';
import type { Store } from '../../stores/store.ts';
import { readSealed } from '../read-sealed.ts';
import type { Sealed } from '../seal-backup.ts';
import { type Problem, type VerifyResult, verifyObjects } from '../verify-objects.ts';
import type { ExportJob, ExportResult } from './export-job.ts';
import type { StopScope } from './stop-scope.ts';

interface VerifySealed {
  readonly job: ExportJob;
  readonly scope: StopScope;
  readonly folder: string;
  readonly sealed: Sealed;
}

/** Reads the manifest back and checks every object it names. Throws VERIFICATION_FAILED, EXPORT_INTERRUPTED. */
export async function verifySealed(
  store: Store,
  { job, scope, folder, sealed }: VerifySealed,
): Promise<ExportResult['verification']> {
  const kind = job.verify;
  const back = await readSealed(store, folder, sealed.manifestSha256);
  if ('problem' in back) throw failed([back.problem]);
  const { objects } = back;
  job.onEvent?.({ type: 'verifying', bytes: objects.reduce((sum, object) => sum + object.size, 0) });
  const onObject = (bytes: number) => {
    scope.throwIfInterrupted();
    job.onEvent?.({ type: 'verified', bytes });
  };
  const result: VerifyResult = await verifyObjects(store, { folder, objects, kind, onObject });
  if (result.problems.length > 0) throw failed(result.problems);
  return { kind, ...result };
}

function failed(problems: Problem[]) {
  const [first] = problems;
  const more = problems.length > 1 ? ` and ${problems.length - 1} more` : '';
  return ERRORS.VERIFICATION_FAILED(
    `the store does not have what was written: ${first!.path} (${first!.what}: expected ${first!.expected}, found ${first!.found})${more}`,
    { details: { objects: problems } },
  );
}
