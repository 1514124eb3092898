import { openapiAnswer } from '../answer-schemas.ts';
import { openapiDocument } from '../openapi-document.ts';
import { emptyParams, emptyQuery } from '../request-schemas.ts';
import { defineRoute, type Route } from '../route.ts';

/** The document describes itself too, so the list is asked for when a request comes. */
export function serveOpenapi(routes: () => readonly Route[]): Route {
  return defineRoute({
    method: 'GET',
    path: '/openapi.json',
    name: 'serveOpenapi',
    summary: 'This document',
    params: emptyParams,
    query: emptyQuery,
    success: { status: 200, description: 'OpenAPI 3.1.', schema: openapiAnswer },
    errors: [],
    handle: async () => ({ status: 200, body: openapiDocument(routes()) }),
  });
}
