/** What the project promises itself, and whether the numbers hold it. Pure. */

/** `value`: where the number stands in the results. */
export interface Target {
  readonly value: readonly [section: string, name: string];
  readonly title: string;
  readonly unit: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export const TARGETS: readonly Target[] = [
  {
    value: ['ratios', 'vs_pg_dump_custom_gpg'],
    title: 'speed against pg_dump -Fc -Z 6 | gpg',
    unit: '×',
    atLeast: 2.5,
  },
  { value: ['ratios', 'vs_pg_dump_zstd_gpg'], title: 'speed against pg_dump | zstd -1 | gpg', unit: '×', atLeast: 0.7 },
  { value: ['worker', 'cpu_ms_per_raw_mb'], title: 'worker: CPU per raw MB', unit: 'ms', atMost: 10 },
  {
    value: ['worker', 'max_call_cpu_ms'],
    title: 'worker: most CPU of one call, cold start in it',
    unit: 'ms',
    atMost: 800,
  },
  {
    value: ['worker', 'max_call_cpu_ms_1000_tables'],
    title: 'worker: the same with 1,000 tables more',
    unit: 'ms',
    atMost: 800,
  },
  { value: ['worker', 'peak_heap_external_mb'], title: 'worker: peak heap + external', unit: 'MB', atMost: 150 },
  {
    value: ['worker', 'cold_start_cpu_ms'],
    title: "worker: CPU of a cold start, above Deno's own",
    unit: 'ms',
    atMost: 200,
  },
];

export interface Verdict {
  readonly title: string;
  readonly measured: number;
  readonly unit: string;
  /** `≥ 2.5` or `≤ 10`. */
  readonly target: string;
  readonly held: boolean;
}

/** One verdict for every target whose section was measured. Throws when a measured section lacks the number. */
export function judge(results: Readonly<Record<string, unknown>>): Verdict[] {
  return TARGETS.flatMap(({ value: [section, name], title, unit, atLeast, atMost }) => {
    const numbers = results[section] as Record<string, unknown> | undefined;
    if (!numbers) return [];
    const measured = numbers[name];
    if (typeof measured !== 'number' || !Number.isFinite(measured))
      throw new Error(`${section}.${name} was not measured`);
    const held = measured >= (atLeast ?? Number.NEGATIVE_INFINITY) && measured <= (atMost ?? Number.POSITIVE_INFINITY);
    return [{ title, measured, unit, held, target: atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}` }];
  });
}
