/**
 * A socket for the `postgres` package over our own connection, so that the driver and raw sessions share one behaviour
 * of TLS and errors (the driver's own TLS never comes about on Deno 2.1.4). It is the part of net.Socket the driver uses.
 */
import { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import type { Platform, TcpConnection } from '../platform.ts';
import type { ConnectionOptions } from './connection-url.ts';
import { openSocket } from './open-socket.ts';

/** Throws DATABASE_UNREACHABLE or DATABASE_TLS_FAILED, which the driver hands to the waiting query unchanged. */
export async function openDriverSocket(platform: Platform, options: ConnectionOptions): Promise<DriverSocket> {
  return new DriverSocket(await openSocket(platform, options));
}

export class DriverSocket extends EventEmitter {
  readonly #connection: TcpConnection;
  #sending: Promise<void> = Promise.resolve();
  #resume: (() => void) | null = null;
  #paused = false;
  readyState: 'open' | 'closed' = 'open';

  constructor(connection: TcpConnection) {
    super();
    this.#connection = connection;
    // Reading begins when the driver listens for data, else what comes first would be lost.
    this.on('newListener', this.#startReading);
  }

  readonly #startReading = (event: string | symbol): void => {
    if (event !== 'data') return;
    this.off('newListener', this.#startReading);
    queueMicrotask(() => void this.#readAll());
  };

  write(bytes: Uint8Array, sent?: (error?: Error) => void): boolean {
    // The driver reuses its buffer as soon as write() returns.
    const copy = bytes.slice();
    this.#sending = this.#sending.then(() => this.#send(copy, sent));
    return true;
  }

  end(bytes?: Uint8Array): void {
    if (bytes !== undefined) this.write(bytes);
    void this.#sending.then(() => this.destroy());
  }

  destroy(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    this.#connection.close();
    this.#resume?.();
    queueMicrotask(() => this.emit('close', false));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#resume?.();
  }

  async #send(bytes: Uint8Array, sent?: (error?: Error) => void): Promise<void> {
    try {
      await this.#connection.write(bytes);
      sent?.();
    } catch (error) {
      sent?.(error as Error);
      this.#fail(error);
    }
  }

  async #readAll(): Promise<void> {
    try {
      for (;;) {
        if (this.#paused) {
          await new Promise<void>((resolve) => {
            this.#resume = resolve;
          });
        }
        const bytes = await this.#connection.read();
        if (bytes === null) break;
        this.emit('data', Buffer.from(bytes));
      }
      this.destroy();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.readyState === 'closed') return;
    if (this.listenerCount('error') > 0) this.emit('error', error);
    this.destroy();
  }
}
