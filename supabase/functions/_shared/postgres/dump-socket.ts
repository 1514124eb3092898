/** The socket as pg_dump in WebAssembly sees it: synchronous and non-blocking, over our asynchronous connection. */
import { connectionLost, send } from './connection-lost.ts';
import type { Login } from './login.ts';

const EMPTY = new Uint8Array(0);

export class DumpSocket {
  readonly #login: Login;
  #pending: Uint8Array = EMPTY;
  #started = false;
  #sending: Promise<void> = Promise.resolve();
  /** The network error behind an end of stream, which pg_dump itself can only call "closed unexpectedly". */
  failure: Error | null = null;

  constructor(login: Login) {
    this.#login = login;
  }

  /** libpq's own StartupMessage is swallowed and answered with the login that has already happened. */
  write(bytes: Uint8Array): void {
    if (!this.#started) {
      this.#started = true;
      this.#pending = this.#login.startup;
      return;
    }
    this.#sending = this.#sending.then(() => this.#send(bytes));
  }

  /** Data is there, or the end of the stream is. */
  readable(): boolean {
    return this.#pending.length > 0 || this.failure !== null;
  }

  /** At most `max` bytes; none at the end of the stream. */
  take(max: number): Uint8Array {
    const taken = this.#pending.subarray(0, max);
    this.#pending = this.#pending.subarray(taken.length);
    return taken;
  }

  async wait(): Promise<void> {
    await this.#sending;
    if (this.failure !== null) return;
    try {
      // A copy: the connection reuses its buffer, and libpq may leave bytes here while it sends.
      this.#pending = (await this.#login.reader.nextBytes()).slice();
    } catch (error) {
      this.failure = connectionLost(error);
    }
  }

  async #send(bytes: Uint8Array): Promise<void> {
    try {
      if (this.failure === null) await send(this.#login.connection, bytes);
    } catch (error) {
      this.failure = connectionLost(error);
    }
  }
}
