/**
 * The shape of every error Holdfast throws on purpose.
 * transient: the same call may succeed later; permanent: it will not until somebody changes something; bug: ours.
 */
export type ErrorKind = 'transient' | 'permanent' | 'bug';

/** What a catalogue entry declares once; the message is made per throw and states the rule and the value seen. */
export interface ErrorEntry {
  readonly kind: ErrorKind;
  /** HTTP status that the one error handler answers with. */
  readonly http: number;
  /** Process exit code of scripts: 1 failed, 2 bad input or configuration, 3 completed with limits, 4 not reachable, 5 integrity. */
  readonly exit: number;
  /** One full sentence that says what to do. */
  readonly hint: string;
}

export interface ErrorOptions {
  readonly cause?: unknown;
  /** Facts for machines; never secrets, never row data. */
  readonly details?: Record<string, unknown>;
  /** Replaces the catalogue's hint where the throw site knows better. */
  readonly hint?: string;
}

export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: string;
  readonly kind: ErrorKind;
  readonly http: number;
  readonly exit: number;
  readonly hint: string;
  readonly details: Record<string, unknown>;

  constructor(code: string, entry: ErrorEntry, message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.kind = entry.kind;
    this.http = entry.http;
    this.exit = entry.exit;
    this.hint = options.hint ?? entry.hint;
    this.details = options.details ?? {};
  }

  toJSON() {
    return { code: this.code, kind: this.kind, message: this.message, hint: this.hint, details: this.details };
  }
}

export type ErrorFactory = (message: string, options?: ErrorOptions) => HoldfastError;

/** Turns a table of entries into factories: `throw STORE_ERRORS.OBJECT_MISSING('object … is not in the store')`. */
export function defineErrors<K extends string>(entries: Record<K, ErrorEntry>): Record<K, ErrorFactory> {
  const factories = {} as Record<K, ErrorFactory>;
  for (const code of Object.keys(entries) as K[]) {
    factories[code] = (message, options) => new HoldfastError(code, entries[code], message, options);
  }
  return factories;
}
