const SHOWN = '***';

/** A value that shows itself only when asked: printing, logging and JSON give `***`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself; hand it to whoever needs it, never to a log, an error or a command line. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return SHOWN;
  }

  [Symbol.for('Deno.customInspect')](): string {
    return SHOWN;
  }
}
