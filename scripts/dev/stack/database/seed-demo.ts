/**
 * Fills a platform database with the demo application: the 17 critical tables of a booking business, in a schema that
 * uses what real schemas use. The SQL is in ../sql/demo-*.sql; every value is a function of its row's number.
 */
import { readFile } from 'node:fs/promises';
import postgres from 'postgres';
import { DATABASE_ERRORS } from './errors.ts';

export interface SeedDemoOptions {
  /** Bookings; the other tables in proportion. Default 20000; 2000000 is about 1 GB. */
  readonly rows?: number;
}

export const DEMO_TABLES = [
  'users',
  'user_roles',
  'user_security_settings',
  'login_history',
  'calendars',
  'calendar_settings',
  'service_types',
  'bookings',
  'business_stripe_accounts',
  'booking_payments',
  'payment_settings',
  'installment_payments',
  'whatsapp_contacts',
  'whatsapp_conversations',
  'whatsapp_messages',
  'webhook_events',
  'security_events_log',
] as const;

/** The four people that demo tokens are made for; `user` owns a calendar, the others are staff. */
export const DEMO_PEOPLE = {
  admin: { id: '00000000-0000-4000-8000-000000000001', email: 'admin@bookings.example' },
  developer: { id: '00000000-0000-4000-8000-000000000002', email: 'developer@bookings.example' },
  support: { id: '00000000-0000-4000-8000-000000000003', email: 'support@bookings.example' },
  user: { id: '00000000-0000-4000-8000-000000000004', email: 'user@bookings.example' },
} as const;

const DEFAULT_ROWS = 20_000;
const SQL_DIRECTORY = new URL('../sql/', import.meta.url);

/** `url` connects as role postgres to a database with the platform installed. Throws DEMO_ROWS_INVALID. Once per database. */
export async function seedDemo(url: string, options: SeedDemoOptions = {}): Promise<void> {
  const rows = options.rows ?? DEFAULT_ROWS;
  if (!Number.isInteger(rows) || rows < 100 || rows > 20_000_000) {
    throw DATABASE_ERRORS.DEMO_ROWS_INVALID(`rows must be a whole number from 100 to 20000000: it is ${rows}`);
  }
  await runInSession(url, rows, 'demo-1-tables.sql');
  // Two sessions: making the rows is the server's CPU, and nothing refers to anything yet.
  const loads = ['demo-2-bookings.sql', 'demo-3-other-data.sql'].map((file) => runInSession(url, rows, file));
  const failed = (await Promise.allSettled(loads)).find((load) => load.status === 'rejected');
  if (failed) throw failed.reason;
  await runInSession(url, rows, 'demo-4-objects.sql');
}

async function runInSession(url: string, rows: number, file: string): Promise<void> {
  const sql = postgres(url, {
    max: 1,
    onnotice: () => {},
    // max_parallel_…: index builds may use both cores.
    connection: { statement_timeout: 0, search_path: '', timezone: 'UTC', maintenance_work_mem: '256MB' },
  });
  try {
    await sql`select pg_catalog.set_config('demo.rows', ${String(rows)}, false)`;
    await sql.unsafe(await readFile(new URL(file, SQL_DIRECTORY), 'utf8')).simple();
  } finally {
    await sql.end({ timeout: 5 });
  }
}
