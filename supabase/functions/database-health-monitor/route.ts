import type { Sql } from 'postgres';
import { routeDefiner } from '../_shared/http/route.ts';

export const BASE_PATH = '/database-health-monitor';

/** What the routes work with; built once by the entry file. */
export interface Means {
  readonly sql: Sql;
  /** Armored; null where the functions have none. */
  readonly publicKeys: () => string | null;
  /** Whether a function secret of that name is set. */
  readonly hasSecret: (name: string) => boolean;
}

export const defineRoute = routeDefiner<Means>();
