/** A route is data: an app is built from the list of them, and openapi.json too, so that neither can know more than the other. */
import type { z } from 'zod';
import type { Caller } from './caller.ts';

/** `M`: what the routes of one function work with; built once by its entry file. */
export interface RouteInput<M, P, Q, B> {
  readonly means: M;
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
  M,
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the function's base path, parameters as `:name`. */
  readonly path: string;
  readonly name: string;
  readonly summary: string;
  readonly params: P;
  readonly query: Q;
  /** Only of methods that take one. */
  readonly body?: B;
  readonly success: {
    readonly status: number;
    readonly description: string;
    readonly schema: z.ZodType;
    /** Other media types that the route can answer with, as texts. */
    readonly texts?: readonly string[];
  };
  /** Codes of the catalogue besides those that every route may answer. */
  readonly errors: readonly string[];
  /** A Response is sent as it is: pages, texts, streams. */
  handle(input: RouteInput<M, z.output<P>, z.output<Q>, z.output<B>>): Promise<Answer | Response>;
}

/**
 * Gives a function's `defineRoute`, which checks a route's handler against its own schemas and then forgets them, so that
 * routes make one list: `export const defineRoute = routeDefiner<Means>();`
 */
export function routeDefiner<M>() {
  return <P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(route: Route<M, P, Q, B>): Route<M> =>
    // SAFETY: handle() is only called with what these very schemas returned (operator-app.ts).
    route as unknown as Route<M>;
}
