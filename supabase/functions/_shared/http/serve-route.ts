import type { Context } from 'hono';
import { ERRORS } from '../errors.ts';
import type { Caller } from './caller.ts';
import { errorResponse } from './error-handler.ts';
import { parseRequest, readJsonBody } from './parse-request.ts';
import type { Route } from './route.ts';

/** Checks a request against the route's schemas and answers with what the route makes of it. */
export async function serveRoute<M>(
  route: Route<M>,
  { req }: Pick<Context, 'req'>,
  { means, caller }: { means: M; caller: Caller },
): Promise<Response> {
  const params = parseRequest(route.params, req.param(), 'path');
  const query = parseRequest(route.query, singleValues(req.queries()), 'query');
  const body = route.body ? parseRequest(route.body, await readJsonBody(req.raw), 'body') : undefined;
  const answer = await route.handle({ means, caller, params, query, body });
  if (answer instanceof Response) return answer;
  return Response.json(answer.body, { status: answer.status, headers: answer.headers });
}

/** For Hono's methodNotAllowed(). */
export function refuseMethod({ req }: Pick<Context, 'req'>, methods: string[]): Response {
  const allow = methods.join(', ');
  const error = ERRORS.METHOD_NOT_ALLOWED(`${req.method} is not a method of this route, but ${allow}`);
  return errorResponse(error, { allow });
}

/** A parameter that is given twice stays a list, which no schema takes: nobody has to guess which one counts. */
function singleValues(queries: Record<string, string[]>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(queries).map(([name, values]) => [name, values.length === 1 ? values[0]! : values]),
  );
}
