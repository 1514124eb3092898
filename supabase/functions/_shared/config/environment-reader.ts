import { CONFIG_ERRORS } from '../errors/config.ts';
import { VARIABLES, type VariableName } from './variables.ts';

/** Gives an environment variable's value, or undefined. */
export type Environment = (name: string) => string | undefined;

export interface ConfigProblem {
  readonly variable: string;
  readonly rule: string;
  /** As found, shortened; `***` for a secret; null when not set. */
  readonly value: string | null;
}

type ValueOf<K extends VariableName> = Exclude<ReturnType<(typeof VARIABLES)[K]['parse']>, undefined>;

const MAX_VALUE_CHARS = 80;

/** Reads variables by the table and collects all problems, so that they are reported together. */
export class EnvironmentReader {
  readonly #environment: Environment;
  readonly #problems: ConfigProblem[] = [];

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** A form that was left empty counts as not filled in. */
  isSet(name: VariableName): boolean {
    return this.#raw(name) !== undefined;
  }

  optional<K extends VariableName>(name: K): ValueOf<K> | undefined {
    const raw = this.#raw(name) ?? VARIABLES[name].default;
    if (raw === undefined) return undefined;
    const value = VARIABLES[name].parse(raw);
    if (value === undefined) this.report(name, `must be ${VARIABLES[name].rule}`);
    // SAFETY: parse() is the one of this name; the union over all names hides it.
    return value as ValueOf<K> | undefined;
  }

  required<K extends VariableName>(name: K): ValueOf<K> {
    if (!this.isSet(name) && VARIABLES[name].default === undefined) {
      this.report(name, `must be set, to ${VARIABLES[name].rule}`);
    }
    // SAFETY: where it is undefined a problem was reported, and done() throws before anybody uses it.
    return this.optional(name) as ValueOf<K>;
  }

  /** For rules between variables. */
  report(name: VariableName, rule: string): void {
    this.#problems.push({ variable: name, rule, value: this.#shown(name) });
  }

  /** Hands out the configuration that was built, or throws CONFIG_INVALID with all problems. */
  done<T>(config: T): T {
    if (this.#problems.length === 0) return config;
    const list = this.#problems.map(
      ({ variable, rule, value }) => `${variable} ${rule}${value === null ? '' : `: got ${value}`}`,
    );
    throw CONFIG_ERRORS.CONFIG_INVALID(`configuration is not valid: ${list.join('; ')}`, {
      details: { problems: this.#problems },
    });
  }

  #shown(name: VariableName): string | null {
    const raw = this.#raw(name);
    if (raw === undefined) return null;
    // Something that looks like a key was put into the wrong variable: do not show it either.
    if (VARIABLES[name].secret || raw.includes('PRIVATE KEY')) return '***';
    return `'${withoutPassword(raw).slice(0, MAX_VALUE_CHARS)}'`;
  }

  #raw(name: VariableName): string | undefined {
    const raw = this.#environment(name)?.trim();
    return raw === '' ? undefined : raw;
  }
}

/** `https://user:password@host` in a variable that must have neither. */
function withoutPassword(raw: string): string {
  return raw.replace(/\/\/[^/@\s]*@/, '//***@');
}
