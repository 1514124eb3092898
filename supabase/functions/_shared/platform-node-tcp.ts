/** TCP and TLS of Node. */
import net from 'node:net';
import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises';
import tls from 'node:tls';
import type { TcpConnection } from './platform.ts';

/** As large as one read of a fast sender gets; reused, so that reading allocates nothing. */
const READ_BUFFER_BYTES = 256 * 1024;
const TURN_BYTES = 1024 * 1024;

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** What arrived and nobody has read yet: one chunk, rarely two, because the socket stands still until it is taken. */
class Inbox {
  #bytes: Uint8Array | null = null;
  #failure: Error | null = null;
  #ended = false;
  #wake: (() => void) | null = null;

  put(bytes: Uint8Array): void {
    if (this.#bytes === null) this.#bytes = bytes;
    else this.#bytes = joined(this.#bytes, bytes);
    this.#wake?.();
  }

  readonly fail = (error: Error): void => {
    this.#failure = error;
    this.#wake?.();
  };

  readonly end = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  /** `pull` asks the socket for more; called only when there is nothing here. */
  async take(pull: () => void): Promise<Uint8Array | null> {
    for (let pulled = false; ; pulled = true) {
      const bytes = this.#bytes;
      this.#bytes = null;
      if (bytes !== null) return bytes;
      if (this.#failure !== null) throw this.#failure;
      if (this.#ended) return null;
      if (!pulled) pull();
      if (this.#bytes !== null) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}

function writeAll(socket: net.Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * While the kernel takes each write at once, nothing waits, and what the other side answers would never be read. So
 * the event loop has a turn after every TURN_BYTES.
 */
function writerOf(socket: net.Socket): TcpConnection['write'] {
  let sinceTurn = 0;
  return async (bytes) => {
    await writeAll(socket, bytes);
    sinceTurn += bytes.length;
    if (sinceTurn < TURN_BYTES) return;
    sinceTurn = 0;
    await turnOfTheEventLoop();
  };
}

function secure(socket: net.Socket, options: Parameters<TcpConnection['startTls']>[0]): Promise<tls.TLSSocket> {
  const { hostname, caCertificates, verify } = options;
  return new Promise((resolve, reject) => {
    const upgraded = tls.connect({
      socket,
      // A server name must be a name; for an address the certificate is still checked against `host`.
      servername: net.isIP(hostname) ? '' : hostname,
      host: hostname,
      ca: caCertificates.length > 0 ? [...caCertificates, ...tls.rootCertificates] : undefined,
      rejectUnauthorized: verify,
    });
    const early = () =>
      reject(Object.assign(new Error('the connection was closed during the TLS handshake'), { code: 'ECONNRESET' }));
    upgraded.once('error', reject).once('close', early);
    upgraded.once('secureConnect', () => {
      upgraded.off('error', reject).off('close', early);
      resolve(upgraded);
    });
  });
}

/** A TLS socket cannot read into our buffer; one chunk is taken, then the socket stands still. */
function wrapTls(socket: tls.TLSSocket): TcpConnection {
  const inbox = new Inbox();
  socket.on('data', (bytes: Uint8Array) => {
    socket.pause();
    inbox.put(bytes);
  });
  socket.pause();
  socket.on('error', inbox.fail).on('end', inbox.end).on('close', inbox.end);
  return {
    read: () => inbox.take(() => socket.resume()),
    write: writerOf(socket),
    startTls: () => Promise.reject(new Error('this connection has TLS already')),
    close() {
      socket.destroy();
    },
  };
}

function wrapPlain(socket: net.Socket, inbox: Inbox): TcpConnection {
  const pull = () => socket.resume();
  return {
    read: () => inbox.take(pull),
    write: writerOf(socket),
    async startTls(options) {
      const upgraded = await secure(socket, options);
      socket.off('error', inbox.fail);
      socket.on('error', (error) => upgraded.destroy(error));
      return wrapTls(upgraded);
    },
    close() {
      socket.destroy();
    },
  };
}

/** Rejects with the system's error (`code` ECONNREFUSED, ENOTFOUND …) or with ETIMEDOUT after `timeoutMs`. */
export function connectTcp(options: { hostname: string; port: number; timeoutMs: number }): Promise<TcpConnection> {
  const { hostname, port, timeoutMs } = options;
  const inbox = new Inbox();
  const onread = {
    buffer: new Uint8Array(READ_BUFFER_BYTES),
    /** False stops the socket, until resume(). */
    callback(count: number, buffer: Uint8Array): boolean {
      inbox.put(buffer.subarray(0, count));
      return false;
    },
  };
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: hostname, port, noDelay: true, keepAlive: true, onread });
    socket.on('error', inbox.fail).on('end', inbox.end).on('close', inbox.end);
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error(`no connection within ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(wrapPlain(socket, inbox));
    });
  });
}
