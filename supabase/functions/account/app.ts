/**
 * The HTTP face for end users. In this order: headers, size, who calls, is there such a route, is the request well formed,
 * and only then the route's own work. Every refusal is recorded. Nobody but the signed-in user is ever spoken of.
 */
import { type Context, Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { serveCertificate } from '../_shared/account/erase/serve-certificate.ts';
import { databaseError } from '../_shared/errors/database-error.ts';
import { ERRORS, HoldfastError } from '../_shared/errors.ts';
import { allowOrigins } from '../_shared/http/allow-origins.ts';
import type { Authenticate, Caller } from '../_shared/http/caller.ts';
import { errorResponse } from '../_shared/http/error-handler.ts';
import { limitBody } from '../_shared/http/limit-body.ts';
import { recordAccountEvent } from '../_shared/http/record-account-event.ts';
import { createRefusalBudget, type RefusalBudget } from '../_shared/http/refusal-budget.ts';
import { secureAnswers } from '../_shared/http/secure-answers.ts';
import { refuseMethod, serveRoute } from '../_shared/http/serve-route.ts';
import type { Log } from '../_shared/log.ts';
import type { Sql } from '../_shared/postgres/open-driver.ts';
import { BASE_PATH, type FunctionMeans, type Route } from './route.ts';
import { ROUTES } from './routes.ts';

const BODY_MAX_BYTES = 16 * 1024;
const RECORDED_REFUSALS_PER_MINUTE = 60;

export interface Surroundings extends FunctionMeans {
  readonly authenticate: Authenticate;
}

export interface AppOptions {
  /** Called for each request; throws CONFIG_INVALID, which the caller is then told. */
  readonly surroundings: () => Surroundings;
  readonly log: Log;
}

type Env = { Variables: { caller: Caller & { userId: string } } };

export function createApp({ surroundings, log }: AppOptions): Hono<Env> {
  const app = new Hono<Env>();
  // Strangers who knock all the time must not hide what a user was refused, nor the other way round.
  const budgets = {
    strangers: createRefusalBudget(RECORDED_REFUSALS_PER_MINUTE),
    users: createRefusalBudget(RECORDED_REFUSALS_PER_MINUTE),
  };
  app.onError(async (error, context) => {
    const known = error instanceof HoldfastError ? error : databaseError(error);
    await recordRefusal(known, context as Context<Env>, { surroundings, log, budgets });
    return answerError(known, log);
  });
  app.notFound(() =>
    errorResponse(
      ERRORS.NOT_FOUND('there is no such route', { hint: `GET ${BASE_PATH}/openapi.json lists the routes.` }),
    ),
  );
  app.use(secureAnswers());
  app.use(allowOrigins());
  app.use(limitBody(BODY_MAX_BYTES));
  // Before anybody must sign in: whoever was erased cannot any more.
  app.get(`${BASE_PATH}/erase/:id/certificate`, (context) =>
    serveCertificate(surroundings().sql, { id: context.req.param('id'), headers: context.req.raw.headers }),
  );
  app.use(async (context, next) => {
    context.set('caller', await admitUser(context.req.raw.headers, surroundings()));
    await next();
  });
  app.use(methodNotAllowed({ app: app as unknown as Hono, onMethodNotAllowed: refuseMethod }));
  for (const route of ROUTES) {
    app.on(route.method, BASE_PATH + route.path, (context) => serve(route, context, surroundings()));
  }
  return app;
}

/** The service key is no person: it has no data to export. */
async function admitUser(headers: Headers, { authenticate, sql }: Surroundings): Promise<Caller & { userId: string }> {
  const caller = await authenticate(headers).catch(explainSignIn);
  if (caller.kind === 'user' && caller.userId !== null) {
    await refuseBanned(sql, caller.userId);
    return { ...caller, userId: caller.userId };
  }
  throw ERRORS.FORBIDDEN("this takes a user's access token, not the service key", {
    hint: 'Operators export a user with: npm run account:export -- --user ID',
  });
}

/** The hint of the catalogue speaks to operators, of keys that no user has. */
function explainSignIn(error: unknown): never {
  if (!(error instanceof HoldfastError) || error.code !== 'UNAUTHENTICATED') throw error;
  const hint = "Sign in, and send the access token as 'Authorization: Bearer …'.";
  throw ERRORS.UNAUTHENTICATED(error.message, { cause: error, hint });
}

/** Auth lets a token live on when an account is locked, which is how operators stop a thief who has one. */
async function refuseBanned(sql: Sql, userId: string): Promise<void> {
  const [banned] = await sql`select from auth.users where id = ${userId} and banned_until > clock_timestamp()`;
  if (banned === undefined) return;
  throw ERRORS.FORBIDDEN('this account is locked', {
    hint: 'Ask the operator for your data: they export a user with npm run account:export.',
  });
}

function serve(route: Route, context: Context<Env>, means: FunctionMeans): Promise<Response> {
  const { method, headers } = context.req.raw;
  const caller = context.get('caller');
  return serveRoute(route, context, { means: { ...means, userId: caller.userId, method, headers }, caller });
}

interface Recorder extends AppOptions {
  readonly budgets: { readonly strangers: RefusalBudget; readonly users: RefusalBudget };
}

/** The refusal stands, recorded or not: a database that is down must not turn it into anything else. */
async function recordRefusal(
  error: HoldfastError,
  context: Context<Env>,
  { surroundings, log, budgets }: Recorder,
): Promise<void> {
  if (error.http < 400 || error.http >= 500) return;
  const userId = context.get('caller')?.userId ?? null;
  const share = (userId === null ? budgets.strangers : budgets.users).take(Date.now());
  if (share === null) return;
  const { method, path } = context.req;
  const unrecorded = share.unrecorded > 0 ? { unrecorded_before: share.unrecorded } : {};
  try {
    const data = { reason: error.code, method, path, ...unrecorded };
    await recordAccountEvent(surroundings().sql, { type: 'account_access_denied', userId, data });
  } catch (failure) {
    log.error('refusal not recorded', { code: error.code, error: databaseError(failure).toJSON() });
  }
}

function answerError(known: HoldfastError, log: Log): Response {
  if (known.http >= 500) log.error('request failed', { error: known.toJSON(), cause: String(known.cause ?? '') });
  return errorResponse(known, headersOf(known));
}

/** What RFC 9110 asks for beside some statuses: 429 and 503, 405, 416. */
function headersOf({ code, details }: HoldfastError): Record<string, string> {
  const { retry_after_seconds: wait, allow, size_bytes: size } = details;
  return {
    ...(typeof wait === 'number' ? { 'retry-after': String(wait) } : {}),
    ...(typeof allow === 'string' ? { allow } : {}),
    ...(code === 'RANGE_INVALID' ? { 'content-range': `bytes */${size}` } : {}),
  };
}
