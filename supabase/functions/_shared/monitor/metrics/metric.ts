/** One family of the Prometheus text format: a name, what it means, and its values by labels. */
export interface Metric {
  /** Begins with `holdfast_`, ends with its unit in base units (`_seconds`, `_bytes`). */
  readonly name: string;
  readonly help: string;
  /** All of ours are read from tables that may shrink, so none is a counter. */
  readonly type: 'gauge';
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: 'gauge', samples };
}

/** A family with one value and no labels; null: there is none yet, and the family is left out. */
export function single(name: string, help: string, value: number | null): Metric {
  return gauge(name, help, value === null ? [] : [{ labels: {}, value }]);
}
