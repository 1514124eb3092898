import type { CheckState, HealthLine } from '../contracts.ts';
import { gauge, type Metric, type Sample } from './metric.ts';

const STATES: readonly CheckState[] = ['healthy', 'unhealthy', 'inconclusive'];

/** What every check said last, as a state set: exactly one of its states is 1. */
export function healthMetrics(lines: readonly HealthLine[]): Metric[] {
  const values = (of: (line: HealthLine) => number | null): Sample[] =>
    lines.flatMap((line) => {
      const value = of(line);
      return value === null ? [] : [{ labels: { check: line.name, unit: line.unit ?? '' }, value }];
    });
  const states = lines.flatMap(({ name, severity, state }) =>
    STATES.map((one) => ({ labels: { check: name, severity, state: one }, value: one === state ? 1 : 0 })),
  );
  const since = lines.map(({ name, since }) => ({ labels: { check: name }, value: Date.parse(since) / 1000 }));
  return [
    gauge('holdfast_check_state', 'The state of a health check: 1 for the one that it is in.', states),
    gauge(
      'holdfast_check_value',
      'What a health check measured, in the unit of the label.',
      values(({ value }) => value),
    ),
    gauge(
      'holdfast_check_threshold',
      'What a health check compares with.',
      values(({ threshold }) => threshold),
    ),
    gauge('holdfast_check_since_timestamp_seconds', 'When a health check came into its state.', since),
  ];
}
