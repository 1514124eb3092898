/** One line of JSON for each event: time, level, message, then its facts. Secrets are taken out, and a line has an end. */
import { HoldfastError } from './errors/define.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFacts = Record<string, unknown>;

export interface Log {
  debug(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
  /** The same log with facts that go with every line. */
  with(facts: LogFacts): Log;
  /** From now on these values are shown as `***`, in this log and those made from it. Very short ones are left: they would eat words. */
  hide(secrets: Iterable<string | { reveal(): string }>): void;
}

export interface LogOptions {
  readonly secrets?: Iterable<string | { reveal(): string }>;
  readonly facts?: LogFacts;
  readonly now?: () => Date;
}

/** The platform cuts longer messages anywhere, which would leave no JSON. */
const MAX_LINE_CHARS = 10_000;
const MAX_TEXT_CHARS = 2_000;
const MIN_SECRET_CHARS = 6;
const MAX_DEPTH = 8;
const HIDDEN = '***';

/** `sink` takes whole lines without their end, such as console.log. */
export function createLogger(sink: (line: string) => void, options: LogOptions = {}): Log {
  const hidden = new Set<string>();
  const hide: Log['hide'] = (secrets) => {
    for (const secret of secrets) addSecret(hidden, typeof secret === 'string' ? secret : secret.reveal());
  };
  hide(options.secrets ?? []);
  return logWith({ sink, hidden, hide, now: options.now ?? (() => new Date()) }, options.facts ?? {});
}

interface LogParts {
  readonly sink: (line: string) => void;
  readonly hidden: ReadonlySet<string>;
  readonly hide: Log['hide'];
  readonly now: () => Date;
}

function logWith(parts: LogParts, common: LogFacts): Log {
  const write =
    (level: LogLevel) =>
    (message: string, facts: LogFacts = {}) => {
      const head = { time: parts.now().toISOString(), level, message };
      // The head comes last in the spread so that no fact replaces it, and first in the line.
      const event = plain({ ...head, ...common, ...facts, ...head }, { hidden: parts.hidden, seen: [] }) as LogFacts;
      parts.sink(fit(event));
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (facts) => logWith(parts, { ...common, ...facts }),
    hide: parts.hide,
  };
}

function addSecret(hidden: Set<string>, value: string): void {
  // A key of many lines may be quoted line by line, and a password within a URL is percent-encoded.
  for (const part of [value, ...value.split(/\r?\n/)]) {
    if (part.length < MIN_SECRET_CHARS || part.startsWith('-----')) continue;
    hidden.add(part).add(encodeURIComponent(part));
  }
}

interface PlainContext {
  readonly hidden: ReadonlySet<string>;
  readonly seen: readonly object[];
}

/** What JSON can hold, without secrets: errors with their causes, dates, big numbers, no cycles. */
function plain(value: unknown, context: PlainContext): unknown {
  if (typeof value === 'string') return shorten(redact(value, context.hidden), MAX_TEXT_CHARS);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'symbol' || typeof value === 'function') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (context.seen.includes(value) || context.seen.length >= MAX_DEPTH) return '…';
  return plainObject(value, { ...context, seen: [...context.seen, value] });
}

function plainObject(value: object, context: PlainContext): unknown {
  if (value instanceof Error) return plain(errorFacts(value), context);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Map) return plain(Object.fromEntries(value), context);
  if (value instanceof Set) return plain([...value], context);
  if ('toJSON' in value && typeof value.toJSON === 'function') return plain(value.toJSON(), context);
  if (Array.isArray(value)) return value.map((item) => plain(item, context));
  const entries = Object.entries(value).map(([key, item]) => [redact(key, context.hidden), plain(item, context)]);
  return Object.fromEntries(entries);
}

function errorFacts(error: Error): LogFacts {
  const facts = error instanceof HoldfastError ? error.toJSON() : { name: error.name, message: error.message };
  return { ...facts, stack: error.stack, ...(error.cause === undefined ? {} : { cause: error.cause }) };
}

function redact(text: string, hidden: ReadonlySet<string>): string {
  let shown = text;
  for (const secret of hidden) shown = shown.replaceAll(secret, HIDDEN);
  return shown;
}

/** A line that is still too long keeps its head, and its facts as a shortened text. */
function fit(event: LogFacts): string {
  const line = JSON.stringify(event);
  if (line.length <= MAX_LINE_CHARS) return line;
  const { time, level, message, ...facts } = event;
  const rest = JSON.stringify(facts);
  // Escaping a quote doubles it, so the text is cut until the whole fits.
  for (let chars = MAX_LINE_CHARS / 2; ; chars = Math.floor(chars / 2)) {
    const short = JSON.stringify({ time, level, message, truncated: true, facts: shorten(rest, chars) });
    if (short.length <= MAX_LINE_CHARS) return short;
    if (chars < 1) return JSON.stringify({ time, level, message: shorten(String(message), 500), truncated: true });
  }
}

function shorten(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars)}… (${text.length} characters)`;
}
