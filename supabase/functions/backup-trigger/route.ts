/** A route is data: the app is built from the list of them, and openapi.json too, so that neither can know more than the other. */
import type { Sql } from 'postgres';
import type { z } from 'zod';
import type { Caller } from '../_shared/http/caller.ts';
import type { Store } from '../_shared/stores/store.ts';

export const BASE_PATH = '/backup-trigger';

/** What the routes work with; built once by the entry file. */
export interface Means {
  readonly sql: Sql;
  /** Made when a route needs it: listing backups must work while the store's configuration does not. */
  readonly store: () => Store;
}

export interface RouteInput<P, Q, B> {
  readonly means: Means;
  readonly caller: Caller;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

export interface Route<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'POST';
  /** Below BASE_PATH, parameters as `:name`. */
  readonly path: string;
  readonly name: string;
  readonly summary: string;
  readonly params: P;
  readonly query: Q;
  /** POST routes only. */
  readonly body?: B;
  readonly success: { readonly status: number; readonly description: string; readonly schema: z.ZodType };
  /** Codes of the catalogue besides those that every route may answer. */
  readonly errors: readonly string[];
  handle(input: RouteInput<z.output<P>, z.output<Q>, z.output<B>>): Promise<Answer>;
}

/** Checks a route's handler against its own schemas, then forgets them, so that routes make one list. */
export function defineRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  route: Route<P, Q, B>,
): Route {
  // SAFETY: handle() is only called with what these very schemas returned (app.ts).
  return route as unknown as Route;
}

/** Paths on the caller's host: what SUPABASE_URL says inside the platform need not be reachable from outside. */
export function backupLinks(backupId: string) {
  const self = `/functions/v1${BASE_PATH}/backups/${encodeURIComponent(backupId)}`;
  return { self, cancel: `${self}/cancel`, verify: `${self}/verify`, download: `${self}/download` };
}
