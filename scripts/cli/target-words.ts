import { parseConnectionUrl } from '../../supabase/functions/_shared/postgres/connection-url.ts';

/** `bookings on db.example.com:5432 as postgres`: a connection URL for people, without its password. */
export function targetWords(url: string): string {
  const { hostname, port, user, database } = parseConnectionUrl(url);
  return `${database} on ${hostname.includes(':') ? `[${hostname}]` : hostname}:${port} as ${user}`;
}
