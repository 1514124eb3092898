/** The runtime of edge functions: Deno 2.1.4, as Supabase's edge runtime embeds it. */
import type { Platform, TcpConnection } from './platform.ts';

declare const EdgeRuntime: { waitUntil(work: Promise<unknown>): void } | undefined;

/** One read op costs about as much as copying 100 kB, so each takes all that the kernel has. */
const READ_BUFFER_BYTES = 256 * 1024;
/** An answer longer than this is a stream of rows. The reader of one that brings little at a time waits for more. */
const STREAM_BYTES = 1024 * 1024;
const SMALL_READ_BYTES = 64 * 1024;
const MORE_COMES_MS = 1;

function wrap(conn: Deno.TcpConn | Deno.TlsConn): TcpConnection {
  const buffer = new Uint8Array(READ_BUFFER_BYTES);
  let open = true;
  /** Since the last write. */
  let answered = 0;
  let lastRead = 0;
  return {
    async read() {
      if (answered > STREAM_BYTES && lastRead < SMALL_READ_BYTES) await delay(MORE_COMES_MS);
      if (!open) return null;
      const count = await conn.read(buffer);
      if (count === null) return null;
      answered += count;
      lastRead = count;
      return buffer.subarray(0, count);
    },
    async write(bytes) {
      answered = 0;
      for (let sent = 0; sent < bytes.length; ) sent += await conn.write(bytes.subarray(sent));
    },
    async startTls({ hostname, caCertificates }) {
      // Deno 2.1.4 cannot skip verification (node:tls neither): `verify: false` is stricter here than asked.
      open = false;
      const secure = await Deno.startTls(conn as Deno.TcpConn, { hostname, caCerts: caCertificates });
      await secure.handshake();
      return wrap(secure);
    },
    close() {
      if (!open) return;
      open = false;
      try {
        conn.close();
      } catch {
        // Closed by the other side between the check and the call: what close() is for has happened.
      }
    },
  };
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Deno.connect has no timeout; a connection that comes too late is closed, not leaked. */
async function connectWithin(options: { hostname: string; port: number; timeoutMs: number }): Promise<Deno.TcpConn> {
  const { hostname, port, timeoutMs } = options;
  const pending = Deno.connect({ hostname, port });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      pending.then((late) => late.close()).catch(() => {});
      reject(new Deno.errors.TimedOut(`no connection to ${hostname}:${port} within ${timeoutMs} ms`));
    }, timeoutMs);
  });
  try {
    return await Promise.race([pending, expired]);
  } finally {
    clearTimeout(timer);
  }
}

export const denoPlatform: Platform = {
  name: 'deno',
  env: (name) => Deno.env.get(name),
  async connectTcp(options) {
    const conn = await connectWithin(options);
    conn.setNoDelay(true);
    conn.setKeepAlive(true);
    return wrap(conn);
  },
  waitUntil(work) {
    // Outside the edge runtime (tests, local stack) a pending promise keeps Deno alive by itself.
    if (typeof EdgeRuntime === 'undefined') work.catch(() => {});
    else EdgeRuntime.waitUntil(work);
  },
};
