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

const HINT =
  "Send the metrics token (BACKUP_METRICS_TOKEN) as 'Authorization: Bearer …', or the service key so or in the 'apikey' header.";

/** `GET …/metrics` with `Authorization: Bearer <token>`, as a Prometheus scrape job sends it, or with `apikey`. */
export function serveMetrics({ sql, tokens, log }: MetricsDoor): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      if (request.method !== 'GET')
        throw ERRORS.METHOD_NOT_ALLOWED(`${request.method} is not a method of this route, but GET`);
      if (!isAllowed(request.headers, tokens())) {
        throw ERRORS.UNAUTHENTICATED('neither the bearer token nor the apikey opens the metrics', { hint: HINT });
      }
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

/** Both are compared, whatever the first says: see matchSecret. Gateways ask some callers for an apikey of their own. */
function isAllowed(headers: Headers, tokens: readonly string[]): boolean {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1] ?? '';
  const matches = [bearer, headers.get('apikey') ?? ''].map((presented) => matchSecret(presented, tokens));
  return matches.includes(true);
}
