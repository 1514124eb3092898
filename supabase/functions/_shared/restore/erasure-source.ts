/** Where a restore learns who has been erased since the backup was made. */
import { type ErasureLedger, readErasureLedger } from '../archive/read-erasure-ledger.ts';
import { ERASURES_FOLDER } from '../domain/erasure-entry.ts';
import { ERRORS } from '../errors.ts';
import type { Store } from '../stores/store.ts';

export type ErasureSource =
  | {
      readonly kind: 'ledger';
      readonly ledger: ErasureLedger;
      /** Go on without entries that are damaged; the report names them. */
      readonly allowDamaged: boolean;
    }
  /** No ledger: the report says why, and that nobody knows. */
  | { readonly kind: 'none'; readonly because: string };

export interface ErasureSourceOptions {
  /** Public keys that must have signed each entry; null: digests and the chain alone. */
  readonly verificationKeys: string | null;
  readonly allowDamaged: boolean;
  /** The store itself is where erasures write: that it has none means that there were none. A copy of it may lack them. */
  readonly complete: boolean;
  /** Where the entries are; default `erasures`. */
  readonly folder?: string;
}

/** Throws STORE_*, KEY_UNUSABLE. */
export async function openErasureSource(store: Store, options: ErasureSourceOptions): Promise<ErasureSource> {
  const { verificationKeys, allowDamaged, complete, folder = ERASURES_FOLDER } = options;
  const ledger = await readErasureLedger(store, { verificationKeys, folder });
  if (ledger.entries.length === 0 && ledger.problems.length === 0 && !complete)
    return { kind: 'none', because: `there is no erasure ledger in ${store.location}` };
  return { kind: 'ledger', ledger, allowDamaged };
}

/** Throws LEDGER_DAMAGED naming what is damaged, unless the restore may go on without it. */
export function refuseDamaged(source: ErasureSource | undefined): void {
  if (source?.kind !== 'ledger' || source.allowDamaged || source.ledger.problems.length === 0) return;
  const { problems, location } = source.ledger;
  throw ERRORS.LEDGER_DAMAGED(`the erasure ledger of ${location} is damaged: ${problems.join('; ')}`, {
    details: { problems },
  });
}
