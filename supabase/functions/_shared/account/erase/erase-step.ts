/** The erasure as a job: a call does as much as it has time for. */
import type { JobStep } from '../../runs/job-row.ts';
import { keepLease } from '../../runs/keep-lease.ts';
import type { EraseMeans } from './erase-means.ts';
import { executeErasure } from './execute-erasure.ts';

/** Of files; rows are one transaction and take what they take. */
const SLICE_MS = 25_000;

export function eraseStep(means: EraseMeans): JobStep {
  return async (hold) => {
    const erasureId = String(hold.job.payload.erasure_id);
    const endsMs = performance.now() + SLICE_MS;
    // A large transaction must not lose its lease to a worker that would wait for its locks.
    const stopExtending = keepLease(hold);
    try {
      const { state } = await executeErasure(means, erasureId, {
        isOver: () => performance.now() > endsMs,
        onStep: (step) => hold.save({ step }),
      });
      if (state === 'again') return { state: 'again', progress: { step: 'files' } };
      return { state: 'done', result: { erasure_id: erasureId } };
    } finally {
      stopExtending();
    }
  };
}
