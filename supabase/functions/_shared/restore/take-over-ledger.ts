/** The copy of the erasure ledger that a restored database has of its own, held against that of the store. */
import type { LedgerEntry } from '../archive/read-erasure-ledger.ts';
import { type EraseCatalog, nameOf } from '../postgres/erase-catalog.ts';
import { quoteLiteral } from '../postgres/identifiers.ts';
import type { PgSession } from '../postgres/session.ts';

export const LEDGER_TABLE = { schema: 'backup', table: 'erasure' };

/** Entries of one statement. */
const CHUNK = 100;

interface Held {
  readonly entries: readonly LedgerEntry[];
  readonly catalog: EraseCatalog;
}

const hasLedger = (catalog: EraseCatalog) => catalog.find(LEDGER_TABLE)?.columns.entry_sha256 !== undefined;

/** Texts of entries that were in a store once, as the database knows, and are not in this one. Throws what the query throws. */
export async function ledgerOnlyInDatabase(session: PgSession, { entries, catalog }: Held): Promise<string[]> {
  if (!hasLedger(catalog)) return [];
  const known = JSON.stringify(entries.map(({ entry }) => entry.erasure_id));
  const rows = await session.query(`
    select e.entry from ${nameOf(LEDGER_TABLE)} as e
    where e.entry is not null and e.stored_at is not null and not exists (
      select from pg_catalog.jsonb_array_elements_text(${quoteLiteral(known)}) as k (id) where k.id = e.erasure_id::text)
    order by e.position`);
  return rows.map(([text]) => text!);
}

/** The database's ledger goes on where the store's ends, and its requests of people who are erased are over. */
export async function takeOverLedger(session: PgSession, { entries, catalog }: Held): Promise<void> {
  if (!hasLedger(catalog)) return;
  const table = nameOf(LEDGER_TABLE);
  for (let at = 0; at < entries.length; at += CHUNK) {
    const rows = entries.slice(at, at + CHUNK).map(({ entry, text, sha256 }) => {
      const { erasure_id: id, position, erased_at: erasedAt, subject } = entry;
      return { id, position, at: erasedAt, subject: subject.id, entry: text, sha256 };
    });
    await session.query(`
      insert into ${table} (erasure_id, subject_sha256, origin, state, requested_at, ended_at, position, entry,
        entry_sha256, stored_at, files_erased_at, rows_erased_at, auth_erased_at)
      select r.id, r.subject, 'ledger', 'completed', r.at, r.at,
        case when exists (select from ${table} as e where e.position = r.position and e.erasure_id <> r.id) then null
          else r.position end, r.entry, r.sha256, r.at, r.at, r.at, r.at
      from pg_catalog.jsonb_to_recordset(${quoteLiteral(JSON.stringify(rows))}) as r
        (id uuid, position bigint, at timestamptz, subject text, entry text, sha256 text)
      on conflict (erasure_id) do update set state = 'completed', subject_id = null, token_sha256 = null, plan = '{}',
        ended_at = coalesce(erasure.ended_at, excluded.ended_at), position = excluded.position, entry = excluded.entry,
        entry_sha256 = excluded.entry_sha256, stored_at = excluded.stored_at, rows_erased_at = excluded.rows_erased_at
      where erasure.state <> 'completed'`);
  }
}
