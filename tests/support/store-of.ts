import { parseStoreConfig } from '../../supabase/functions/_shared/config.ts';
import { createS3Store } from '../../supabase/functions/_shared/stores/s3-store.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';

/** The store that a stack's functions use. */
export function storeOf(env: Readonly<Record<string, string | undefined>>): Store {
  return createS3Store(parseStoreConfig((name) => env[name]));
}
