import { ok, warning } from './finding.ts';
import type { Examination } from './patient.ts';

const SKEW_WARNING_MS = 60_000;

/** Signatures, tokens and schedules compare times of two machines. */
export const clock: Examination = {
  name: 'clock',
  title: 'Clock',
  needs: 'database',
  examine: async ({ sql }) => {
    const before = Date.now();
    const [row] = await sql!`select extract(epoch from clock_timestamp())::float8 * 1000 as now`;
    const middle = (before + Date.now()) / 2;
    const skewMs = Math.abs((row!.now as number) - middle);
    const text = `this machine and the database differ by ${(skewMs / 1000).toFixed(1)} s`;
    return [skewMs > SKEW_WARNING_MS ? warning('database', text, 'timedatectl set-ntp true') : ok('database', text)];
  },
};
