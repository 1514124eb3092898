import { ERRORS, HoldfastError } from '../errors.ts';
import type { TcpConnection } from '../platform.ts';

/** Every failure of the network while a session is open: the same work may succeed on another connection. */
export function connectionLost(cause: unknown): HoldfastError {
  if (cause instanceof HoldfastError) return cause;
  const reason = cause instanceof Error ? cause.message || cause.name : 'the server closed the connection';
  return ERRORS.DATABASE_CONNECTION_LOST(`the connection to the database was lost: ${reason}`, { cause });
}

/** Writes all bytes. Throws DATABASE_CONNECTION_LOST. */
export async function send(connection: TcpConnection, bytes: Uint8Array): Promise<void> {
  try {
    await connection.write(bytes);
  } catch (error) {
    throw connectionLost(error);
  }
}
