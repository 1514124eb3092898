/**
 * The HTTP face of a function for operators. In this order: headers, size, who calls, may they, is there such a route, is
 * the request well formed, and only then the route's own work. Every refusal of a caller is recorded.
 */
import { type Context, Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import type { Sql } from 'postgres';
import { databaseError } from '../errors/database-error.ts';
import { ERRORS, HoldfastError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Authenticate, Caller } from './caller.ts';
import { errorResponse } from './error-handler.ts';
import { limitBody } from './limit-body.ts';
import { recordRefusal } from './record-access.ts';
import { createRefusalBudget } from './refusal-budget.ts';
import type { Route } from './route.ts';
import { secureAnswers } from './secure-answers.ts';
import { refuseMethod, serveRoute } from './serve-route.ts';

const BODY_MAX_BYTES = 64 * 1024;
const RECORDED_REFUSALS_PER_MINUTE = 60;
const ADMIN = 'admin';

/** What every operator's function needs, whatever its routes work with. */
export interface OperatorMeans {
  /** Refused callers are recorded there. */
  readonly sql: Sql;
  readonly authenticate: Authenticate;
}

export interface OperatorAppOptions<M> {
  /** Called for each request; throws CONFIG_INVALID, which the caller is then told. */
  readonly surroundings: () => M & OperatorMeans;
  readonly log: Log;
}

type Env = { Variables: { caller: Caller } };

/** `basePath`: the function's name with a slash before it, as Supabase hands the path on. */
export function createOperatorApp<M>(
  { basePath, routes }: { basePath: string; routes: readonly Route<M>[] },
  { surroundings, log }: OperatorAppOptions<M>,
): Hono<Env> {
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
  for (const route of routes) {
    app.on(route.method, basePath + route.path, (context) =>
      serveRoute(route, context, { means: surroundings(), caller: context.get('caller') }),
    );
  }
  return app;
}

/** Lets admins and the service key through; throws UNAUTHENTICATED or FORBIDDEN after recording it. */
function createGuard(surroundings: () => OperatorMeans, log: Log): (context: Context<Env>) => Promise<Caller> {
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

function answerError(error: unknown, log: Log): Response {
  const known = error instanceof HoldfastError ? error : databaseError(error);
  if (known.http >= 500) log.error('request failed', { error: known.toJSON(), cause: String(known.cause ?? '') });
  return errorResponse(known);
}
