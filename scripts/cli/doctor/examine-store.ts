import { parseStoreConfig } from '../../../supabase/functions/_shared/config.ts';
import { HoldfastError } from '../../../supabase/functions/_shared/errors.ts';
import { createS3Store } from '../../../supabase/functions/_shared/stores/s3-store.ts';
import { nodeS3Tuning } from '../s3-tuning.ts';
import { type Finding, ok, problem, skipped, warning } from './finding.ts';
import type { Examination, Patient } from './patient.ts';

/** S3 refuses requests that are 15 minutes off. */
const SKEW_WARNING_MS = 60_000;

/** A small object is written, read, looked for as a stranger, and deleted. */
export const store: Examination = {
  name: 'store',
  title: 'Store',
  needs: 'nothing',
  examine: async ({ environment }) => await probe(environment),
};

async function probe(environment: Patient['environment']): Promise<Finding[]> {
  const opened = open(environment);
  if (opened === null) return [skipped('bucket', 'the store variables are not whole (see Configuration)')];
  try {
    const { anonymousRead, keepsSha256, clockSkewMs } = await opened.check();
    return [
      ok('bucket', `${opened.location} takes, gives and deletes`),
      anonymousRead
        ? problem(
            'strangers',
            'can read or list the bucket',
            'take public access from the bucket in its provider’s console',
          )
        : ok('strangers', 'can neither read nor list it'),
      keepsSha256
        ? ok('checksums', 'the store keeps SHA-256 sums of its own: quick verification needs no download')
        : ok('checksums', 'the store keeps none of its own: quick verification compares what was recorded'),
      clock(clockSkewMs),
    ];
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return [problem('bucket', error.message, error.hint)];
  }
}

function clock(skewMs: number | null): Finding {
  if (skewMs === null) return skipped('clock', 'the store does not say what time it has');
  const text = `this machine and the store differ by ${Math.round(Math.abs(skewMs) / 1000)} s`;
  if (Math.abs(skewMs) <= SKEW_WARNING_MS) return ok('clock', text);
  return warning('clock', `${text}; at 15 minutes the store refuses`, 'timedatectl set-ntp true');
}

function open(environment: Patient['environment']) {
  try {
    const { secretAccessKey, ...options } = parseStoreConfig(environment);
    return createS3Store({ ...options, ...nodeS3Tuning, secretAccessKey: secretAccessKey.reveal() });
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'CONFIG_INVALID') return null;
    throw error;
  }
}
