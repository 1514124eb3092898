import { ERRORS } from '../errors.ts';
import { openSession } from '../postgres/open-session.ts';
import type { PgSession } from '../postgres/session.ts';
import type { RestoreMeans } from './restore-means.ts';

/** Faster index builds, and no compiling for foreign keys that are checked once; any role may set these for itself. */
const SETTINGS =
  "set maintenance_work_mem = '256MB'; set jit = off; set client_min_messages = warning; set check_function_bodies = off";

/** Sessions that end together; an abort closes them, which ends what they wait for. */
export class SessionGroup {
  readonly #means: RestoreMeans;
  readonly #sessions = new Set<PgSession>();
  readonly #stop = new AbortController();
  readonly #outside: AbortSignal | undefined;
  #closed = false;

  constructor(means: RestoreMeans, outside?: AbortSignal) {
    this.#means = means;
    this.#outside = outside;
    outside?.addEventListener('abort', this.#onAbort);
    if (outside?.aborted) this.#onAbort();
  }

  /** Aborted when the caller's is. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  async open(applicationName: string): Promise<PgSession> {
    this.signal.throwIfAborted();
    const session = await openSession(this.#means.platform, this.#means.targetUrl, { applicationName });
    if (this.#closed || this.signal.aborted) {
      await session.close(); // nobody else would: the others were closed while this one logged in
      this.signal.throwIfAborted();
      throw ERRORS.INTERNAL('a session was asked of a group that is closed');
    }
    this.#sessions.add(session);
    await session.query(SETTINGS);
    return session;
  }

  /** Throws the first error, once it is known of every session whether it opened. */
  async openMany(applicationName: string, count: number): Promise<PgSession[]> {
    const all = await Promise.allSettled(Array.from({ length: count }, () => this.open(applicationName)));
    return all.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
  }

  /**
   * Before the last statement: from here on an abort comes too late, for a session that closes while the server carries
   * that out would leave work that is done and looks as if it were not. Throws the abort's reason when it came before.
   */
  keepToTheEnd(): void {
    this.signal.throwIfAborted();
    this.#outside?.removeEventListener('abort', this.#onAbort);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#outside?.removeEventListener('abort', this.#onAbort);
    await Promise.all([...this.#sessions].map((session) => session.close()));
  }

  readonly #onAbort = (): void => {
    this.#stop.abort(this.#outside?.reason);
    for (const session of this.#sessions) void session.close();
  };
}
