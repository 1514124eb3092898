import type { Sql } from 'postgres';
import { catalogueError } from '../../errors/driver-error.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { errorResponse } from '../../http/error-handler.ts';
import { matchSecret } from '../../http/match-secret.ts';
import type { Log } from '../../log.ts';
import { collectMetrics } from './collect-metrics.ts';
import { METRICS_MEDIA_TYPE, renderMetrics } from './render-metrics.ts';

export interface MetricsDoor {
  readonly sql: () => Sql;
  /** The metrics token and the service keys. Throws CONFIG_INVALID. */
  readonly tokens: () => readonly string[];
  readonly log: Log;
}

/** `GET …/metrics` with `Authorization: Bearer <token>`, as a Prometheus scrape job sends it. */
export function serveMetrics({ sql, tokens, log }: MetricsDoor): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      if (request.method !== 'GET')
        throw ERRORS.METHOD_NOT_ALLOWED(`${request.method} is not a method of this route, but GET`);
      const presented = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? '';
      if (!matchSecret(presented, tokens()))
        throw ERRORS.UNAUTHENTICATED('the bearer token is not the one for metrics');
      const headers = {
        'content-type': METRICS_MEDIA_TYPE,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      };
      return new Response(renderMetrics(await collectMetrics(sql())), { headers });
    } catch (error) {
      const known = error instanceof HoldfastError ? error : catalogueError(error);
      if (known.http >= 500) log.error('metrics failed', { error: known.toJSON() });
      return errorResponse(known);
    }
  };
}
