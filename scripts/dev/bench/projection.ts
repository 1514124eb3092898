/** From a measured backup to larger ones: calls, and minutes at the measured rate and within the guaranteed time. Pure. */

export interface MeasuredRun {
  readonly parallelism: number;
  readonly rawBytes: number;
  /** Worker calls that did a task. */
  readonly calls: number;
  readonly copyCalls: number;
  readonly seconds: number;
}

export interface ProjectedBackup {
  readonly raw_gb: number;
  readonly calls: number;
  /** At the rate that this machine reached, database and S3 server on the same cores. */
  readonly minutes: Record<`parallelism_${number}`, number>;
  /** If every copy call took all the wall time that the plan guarantees it; no backup of this size takes longer. */
  readonly longest_minutes: Record<'free' | 'paid', Record<`parallelism_${number}`, number>>;
}

/** Half of a worker's life (150 s, 400 s): what a call on a worker that has served others is guaranteed. */
export const GUARANTEED_SECONDS = { free: 75, paid: 200 } as const;

const GB = 1e9;

export function projectBackup(rawGb: number, runs: readonly MeasuredRun[]): ProjectedBackup {
  const [first] = runs;
  if (!first) throw new Error('a projection needs a measured run');
  const others = first.calls - first.copyCalls;
  const copyCalls = Math.ceil((first.copyCalls * rawGb * GB) / first.rawBytes);
  const perRun = (minutes: (run: MeasuredRun) => number) =>
    Object.fromEntries(runs.map((run) => [`parallelism_${run.parallelism}`, minutes(run)]));
  const longest = (seconds: number) => perRun((run) => (Math.ceil(copyCalls / run.parallelism) * seconds) / 60);
  return {
    raw_gb: rawGb,
    calls: copyCalls + others,
    minutes: perRun((run) => (run.seconds * rawGb * GB) / run.rawBytes / 60),
    longest_minutes: { free: longest(GUARANTEED_SECONDS.free), paid: longest(GUARANTEED_SECONDS.paid) },
  };
}
