/** Connection lost or refused, server shutting down or starting: the stack's programs simply try again. */
const TRANSIENT_CODES = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '53300', // too_many_connections
]);

export function isTransientPostgresError(error: unknown): boolean {
  return TRANSIENT_CODES.has((error as { code?: string } | null)?.code ?? '');
}
