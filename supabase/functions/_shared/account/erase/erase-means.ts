/** What an erasure works with. */
import type { Sql } from 'postgres';
import type { Signer } from '../../archive/sign-manifest.ts';
import type { Store } from '../../stores/store.ts';

export interface EraseMeans {
  readonly sql: Sql;
  /** Where the backups are: the ledger is beside them. */
  readonly store: () => Store;
  readonly project: {
    /** Base URL, as in SUPABASE_URL. */
    readonly supabaseUrl: string;
    readonly serviceKey: string;
    readonly fetch: typeof fetch;
  };
  /** Made when something is to be signed; null where there is no signing key. */
  readonly signer: () => Promise<Signer | null>;
}
