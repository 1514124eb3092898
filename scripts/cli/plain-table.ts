import Table from 'cli-table3';

type Align = 'left' | 'right';

const NOTHING = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'];
const NOR_SIDES = ['left', 'left-mid', 'right', 'right-mid', 'mid', 'mid-mid'];

/** Columns without rules and colours, as they can be piped into anything: push() rows, toString() prints. */
export function plainTable(head: string[], colAligns: Align[]): InstanceType<typeof Table> {
  const chars = Object.fromEntries([...NOTHING, ...NOR_SIDES].map((name) => [name, '']));
  return new Table({
    head,
    colAligns,
    chars: { ...chars, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
}
