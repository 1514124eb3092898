/**
 * The HTTP face for operators. In this order: headers, size, who calls, may they, is there such a route, is the request
 * well formed, and only then the route's own work. Every refusal of a caller is recorded.
 */
import { type Context, Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { ERRORS, HoldfastError } from '../_shared/errors.ts';
import type { Authenticate, Caller } from '../_shared/http/caller.ts';
import { errorResponse } from '../_shared/http/error-handler.ts';
import { limitBody } from '../_shared/http/limit-body.ts';
import { parseRequest, readJsonBody } from '../_shared/http/parse-request.ts';
import { recordRefusal } from '../_shared/http/record-access.ts';
import { createRefusalBudget } from '../_shared/http/refusal-budget.ts';
import { secureAnswers } from '../_shared/http/secure-answers.ts';
import type { Log } from '../_shared/log.ts';
import { databaseError } from './database-error.ts';
import { BASE_PATH, type Means, type Route } from './route.ts';
import { ROUTES } from './routes.ts';

const BODY_MAX_BYTES = 64 * 1024;
const RECORDED_REFUSALS_PER_MINUTE = 60;
const ADMIN = 'admin';

export interface Surroundings extends Means {
  readonly authenticate: Authenticate;
}

export interface AppOptions {
  /** Called for each request; throws CONFIG_INVALID, which the caller is then told. */
  readonly surroundings: () => Surroundings;
  readonly log: Log;
}

type Env = { Variables: { caller: Caller } };

export function createApp({ surroundings, log }: AppOptions): Hono<Env> {
  const app = new Hono<Env>();
  const guard = createGuard(surroundings, log);
  app.onError((error) => answerError(error, log));
  app.notFound((context) => errorResponse(ERRORS.NOT_FOUND(`there is no route ${context.req.path.slice(0, 200)}`)));
  app.use(secureAnswers());
  app.use(async (context, next) => (context.req.method === 'OPTIONS' ? context.body(null, 204) : await next()));
  app.use(limitBody(BODY_MAX_BYTES));
  app.use(async (context, next) => {
    context.set('caller', await guard(context));
    await next();
  });
  app.use(methodNotAllowed({ app: app as unknown as Hono, onMethodNotAllowed: refuseMethod }));
  for (const route of ROUTES) {
    app.on(route.method, BASE_PATH + route.path, (context) => serve(route, context, surroundings()));
  }
  return app;
}

async function serve(route: Route, context: Context<Env>, means: Means): Promise<Response> {
  const params = parseRequest(route.params, context.req.param(), 'path');
  const query = parseRequest(route.query, singleValues(context.req.queries()), 'query');
  const body = route.body ? parseRequest(route.body, await readJsonBody(context.req.raw), 'body') : undefined;
  const answer = await route.handle({ means, caller: context.get('caller'), params, query, body });
  return Response.json(answer.body, { status: answer.status, headers: answer.headers });
}

/** A parameter that is given twice stays a list, which no schema takes: nobody has to guess which one counts. */
function singleValues(queries: Record<string, string[]>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(queries).map(([name, values]) => [name, values.length === 1 ? values[0]! : values]),
  );
}

/** Lets admins and the service key through; throws UNAUTHENTICATED or FORBIDDEN after recording it. */
function createGuard(surroundings: () => Surroundings, log: Log): (context: Context<Env>) => Promise<Caller> {
  const budget = createRefusalBudget(RECORDED_REFUSALS_PER_MINUTE);
  return async ({ req }) => {
    const { sql, authenticate } = surroundings();
    let userId: string | null = null;
    try {
      const caller = await authenticate(req.raw.headers);
      userId = caller.userId;
      if (caller.kind === 'user' && caller.role !== ADMIN) throw ERRORS.FORBIDDEN('this takes the role admin');
      return caller;
    } catch (error) {
      if (!(error instanceof HoldfastError) || (error.http !== 401 && error.http !== 403)) throw error;
      const share = userId === null ? budget.take(Date.now()) : { unrecorded: 0 };
      const refused = { code: error.code, userId, method: req.method, path: req.path };
      try {
        if (share) await recordRefusal(sql, { ...refused, ...share });
      } catch (failure) {
        // The refusal stands, recorded or not: a database that is down must not turn it into anything else.
        log.error('refusal not recorded', { ...refused, error: databaseError(failure).toJSON() });
      }
      throw error;
    }
  };
}

function refuseMethod(context: Context, methods: string[]): Response {
  const allow = methods.join(', ');
  const error = ERRORS.METHOD_NOT_ALLOWED(`${context.req.method} is not a method of this route, but ${allow}`);
  return errorResponse(error, { allow });
}

function answerError(error: unknown, log: Log): Response {
  const known = error instanceof HoldfastError ? error : databaseError(error);
  if (known.http >= 500) log.error('request failed', { error: known.toJSON(), cause: String(known.cause ?? '') });
  return errorResponse(known);
}
