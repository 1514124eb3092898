import { Secret } from './secret.ts';

export type VariableGroup = 'project' | 'store' | 'encryption' | 'limits' | 'monitoring' | 'scripts';

/** One environment variable: what it is for, and the one rule that its value must keep. */
export interface Variable<T> {
  readonly group: VariableGroup;
  /** Never shown, not even in the error that refuses it. */
  readonly secret: boolean;
  /** One sentence for the reference. */
  readonly help: string;
  /** Completes "must be …". */
  readonly rule: string;
  /** Used when the variable is not set; never instead of a value that breaks the rule. */
  readonly default?: string;
  /** undefined: the value breaks the rule. */
  parse(raw: string): T | undefined;
}

type Facts = Pick<Variable<unknown>, 'group' | 'help' | 'default'>;

export function textVariable(facts: Facts & { rule: string; pattern: RegExp }): Variable<string> {
  const { pattern, ...rest } = facts;
  return { ...rest, secret: false, parse: (raw) => (pattern.test(raw) ? raw : undefined) };
}

export function choiceVariable<const C extends string>(facts: Facts & { choices: readonly C[] }): Variable<C> {
  const { choices, ...rest } = facts;
  const rule = `one of ${choices.map((choice) => `'${choice}'`).join(', ')}`;
  return { ...rest, rule, secret: false, parse: (raw) => choices.find((choice) => choice === raw) };
}

export function integerVariable(facts: Facts & { min: number; max: number; orZero?: boolean }): Variable<number> {
  const { min, max, orZero, ...rest } = facts;
  const rule = `a whole number from ${min} to ${max}${orZero ? ', or 0' : ''}`;
  const isAllowed = (value: number) => (value >= min && value <= max) || (orZero === true && value === 0);
  return {
    ...rest,
    rule,
    secret: false,
    parse: (raw) => (/^\d{1,15}$/.test(raw) && isAllowed(Number(raw)) ? Number(raw) : undefined),
  };
}

/** `accept` gives the value to keep, or undefined to refuse. */
export function secretVariable(
  facts: Facts & { rule: string; accept: (raw: string) => string | undefined },
): Variable<Secret> {
  const { accept, ...rest } = facts;
  const parse = (raw: string) => {
    const value = accept(raw);
    return value === undefined ? undefined : new Secret(value);
  };
  return { ...rest, secret: true, parse };
}
