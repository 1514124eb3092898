import type { Sql } from 'postgres';
import { routeDefiner } from '../_shared/http/route.ts';
import type { Store } from '../_shared/stores/store.ts';

export const BASE_PATH = '/backup-trigger';

/** What the routes work with; built once by the entry file. */
export interface Means {
  readonly sql: Sql;
  /** Made when a route needs it: listing backups must work while the store's configuration does not. */
  readonly store: () => Store;
}

export const defineRoute = routeDefiner<Means>();

/** Paths on the caller's host: what SUPABASE_URL says inside the platform need not be reachable from outside. */
export function backupLinks(backupId: string) {
  const self = `/functions/v1${BASE_PATH}/backups/${encodeURIComponent(backupId)}`;
  return { self, cancel: `${self}/cancel`, verify: `${self}/verify`, download: `${self}/download` };
}
