import { ERRORS } from '../_shared/errors.ts';
import type { JobStep } from '../_shared/runs/job-row.ts';
import type { FunctionMeans } from './route.ts';

/** The step for a kind of job, loaded when it is needed: a worker call does one of them. Throws INTERNAL for an unknown kind. */
export async function jobSteps(kind: string, means: FunctionMeans): Promise<JobStep> {
  switch (kind) {
    case 'account_export': {
      const { exportStep } = await import('../_shared/account/export/export-step.ts');
      return exportStep({ ...means, store: means.store() });
    }
    case 'account_export_deletion': {
      const { deletionStep } = await import('../_shared/account/export/deletion-step.ts');
      return deletionStep({ ...means, store: means.store() });
    }
    case 'account_erase': {
      const { eraseStep } = await import('../_shared/account/erase/erase-step.ts');
      return eraseStep(means);
    }
    case 'account_erase_kept': {
      const { eraseKeptStep } = await import('../_shared/account/erase/erase-kept-step.ts');
      return eraseKeptStep(means);
    }
    default:
      throw ERRORS.INTERNAL(`the function account knows no jobs of kind '${kind}'`);
  }
}
