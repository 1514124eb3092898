/** What the routes of this function work with, made anew for each request: its caller is always a signed-in user. */
import type { ProjectAccess } from '../_shared/account/export/export-means.ts';
import type { Signer } from '../_shared/archive/sign-manifest.ts';
import type { Route as AnyRoute } from '../_shared/http/route.ts';
import { routeDefiner } from '../_shared/http/route.ts';
import type { Log } from '../_shared/log.ts';
import type { Sql } from '../_shared/postgres/open-driver.ts';
import type { PgSession } from '../_shared/postgres/session.ts';
import type { Store } from '../_shared/stores/store.ts';
import type { Places } from './places.ts';

export const BASE_PATH = '/account';

/** Built once by the entry file. */
export interface FunctionMeans {
  readonly sql: Sql;
  /** Made when a route needs it: what needs no store must work while the store's configuration does not. */
  readonly store: () => Store;
  /** A session of its own for reading rows; whoever opens it closes it. */
  readonly openSession: () => Promise<PgSession>;
  /** Limits how many exports are sent at once, and with them memory and connections. */
  readonly places: Places;
  /** The same for exports that are ready, by user. */
  readonly downloads: Places;
  readonly project: ProjectAccess;
  /** Signs the erasure ledger and certificates; null where no signing key is configured. */
  readonly signer: () => Promise<Signer | null>;
  readonly log: Log;
  /** Keeps the runtime alive until the promise settles. */
  readonly waitUntil: (work: Promise<unknown>) => void;
}

export interface Means extends FunctionMeans {
  /** auth.users.id of the caller, proven by the Auth server. */
  readonly userId: string;
  /** HEAD where GET is meant: the answer's body is then left out. */
  readonly method: string;
  /** The access token, languages, ranges. */
  readonly headers: Headers;
}

export type Route = AnyRoute<Means>;
export const defineRoute = routeDefiner<Means>();
