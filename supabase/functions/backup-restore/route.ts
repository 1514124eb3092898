import type { Sql } from 'postgres';
import { routeDefiner } from '../_shared/http/route.ts';
import type { DrillMode } from '../_shared/restore/drill/drill-state.ts';

export const BASE_PATH = '/backup-restore';

/** What the routes work with; built once by the entry file. */
export interface Means {
  readonly sql: Sql;
  /** By whether the function has a private key. Throws CONFIG_INVALID. */
  readonly drillMode: () => DrillMode;
  /** Drops the scratch databases of drills that have ended. */
  readonly sweep: () => Promise<void>;
}

export const defineRoute = routeDefiner<Means>();

/** Paths on the caller's host: what SUPABASE_URL says inside the platform need not be reachable from outside. */
export function drillLinks(drillId: string) {
  const self = `/functions/v1${BASE_PATH}/drills/${drillId}`;
  return { self, cancel: `${self}/cancel`, page: `${self}?format=html` };
}
