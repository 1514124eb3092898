import { z } from 'zod';
import { openapiDocument } from './openapi-document.ts';
import { emptyParams, emptyQuery } from './request-fields.ts';
import { type Route, routeDefiner } from './route.ts';

/** `GET <basePath>/openapi.json`. It describes itself too, so the list is asked for when a request comes. */
export function serveOpenapi<M>(basePath: string, routes: () => readonly Route<M>[]): Route<M> {
  return routeDefiner<M>()({
    method: 'GET',
    path: '/openapi.json',
    name: 'serveOpenapi',
    summary: 'This document',
    params: emptyParams,
    query: emptyQuery,
    success: { status: 200, description: 'OpenAPI 3.1.', schema: z.record(z.string(), z.unknown()) },
    errors: [],
    handle: async () => ({ status: 200, body: openapiDocument(basePath, routes()) }),
  });
}
