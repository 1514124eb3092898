import { ERRORS } from '../../errors.ts';
import type { PgSession } from '../../postgres/session.ts';

/** How long work that was told to stop may take before its folder is cleaned regardless. */
const LONGEST_STOP_MS = 15_000;

/**
 * Everything that must end together: when one part fails or the caller aborts, the database sessions are closed (which
 * ends what waits for them), and the first failure is the one that is reported.
 */
export class StopScope {
  readonly #sessions = new Set<PgSession>();
  readonly #work: Promise<unknown>[] = [];
  readonly #outside: AbortSignal | undefined;
  #stopped = false;

  constructor(outside?: AbortSignal) {
    this.#outside = outside;
    outside?.addEventListener('abort', this.#stop);
  }

  get stopped(): boolean {
    return this.#stopped || this.interrupted;
  }

  get interrupted(): boolean {
    return this.#outside?.aborted === true;
  }

  /** Throws EXPORT_INTERRUPTED once the caller has aborted. */
  throwIfInterrupted(): void {
    if (this.interrupted) throw ERRORS.EXPORT_INTERRUPTED('the export was interrupted');
  }

  /** The session that opens, to be closed with everything else. */
  async session(opening: Promise<PgSession>): Promise<PgSession> {
    const session = await opening;
    this.#sessions.add(session);
    if (this.stopped) await session.close();
    this.throwIfInterrupted();
    return session;
  }

  async closeSession(session: PgSession): Promise<void> {
    this.#sessions.delete(session);
    await session.close();
  }

  /** All the work at the same time; the first failure stops the rest and is thrown at once, as an interrupt is: see settle(). */
  async all<T>(works: readonly (() => Promise<T>)[]): Promise<T[]> {
    const running = works.map(async (work) => {
      try {
        return await work();
      } catch (error) {
        this.#stop();
        throw error;
      }
    });
    this.#work.push(...running);
    return await new Promise((resolve, reject) => {
      Promise.all(running).then(resolve, reject);
      this.#outside?.addEventListener('abort', () => reject(ERRORS.EXPORT_INTERRUPTED('the export was interrupted')));
    });
  }

  /** Waits for what was stopped, so that nothing is stored after the folder was cleaned. */
  async settle(): Promise<void> {
    this.#stop();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, LONGEST_STOP_MS);
    });
    await Promise.race([Promise.allSettled(this.#work), late]);
    clearTimeout(timer);
  }

  async dispose(): Promise<void> {
    this.#outside?.removeEventListener('abort', this.#stop);
    await Promise.all([...this.#sessions].map((session) => session.close()));
  }

  readonly #stop = (): void => {
    this.#stopped = true;
    for (const session of this.#sessions) void session.close();
  };
}
