/**
 * Everything the code may ask of the runtime. `Deno.*`, `EdgeRuntime.*` and `process.*` appear only in
 * platform-deno.ts, platform-node.ts and entry files; `node:` modules that both runtimes have may be imported anywhere.
 */
export interface TcpConnection {
  /** The next bytes as they arrive (a view valid until the next call), or null at the end of the stream. */
  read(): Promise<Uint8Array | null>;
  /** Resolves when the runtime has taken all bytes. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Starts TLS on this connection and returns the one to use from now on. Rejects when the certificate is not trusted and
   * `verify` asks for that; a runtime that cannot skip verification (Deno 2.1.4) always verifies. */
  startTls(options: { hostname: string; caCertificates: string[]; verify: boolean }): Promise<TcpConnection>;
  /** Idempotent; a pending read ends with null or an error. */
  close(): void;
}

export interface CpuPool {
  /** How many blocks may be compressed at the same time; 1 where the runtime has no threads. */
  readonly size: number;
  /** Compresses one block into one independent zstd frame. May take ownership of `block`'s buffer. */
  zstd(block: Uint8Array, level: number): Promise<Uint8Array>;
  /** A block of exactly this size that zstd() took and is done with; null when there is none. */
  spareBlock?(sizeBytes: number): Uint8Array | null;
  close(): Promise<void>;
}

export interface Platform {
  readonly name: 'deno' | 'node';
  env(name: string): string | undefined;
  connectTcp(options: { hostname: string; port: number; timeoutMs: number }): Promise<TcpConnection>;
  /** Keeps the runtime alive until the promise settles (EdgeRuntime.waitUntil); never extends a limit. */
  waitUntil(work: Promise<unknown>): void;
}
