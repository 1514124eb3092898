import { openapiDocument as describe } from '../_shared/http/openapi-document.ts';
import { serveOpenapi } from '../_shared/http/serve-openapi.ts';
import { BASE_PATH, type Route } from './route.ts';

const ACCESS_TOKEN = { type: 'http', scheme: 'bearer', description: 'The access token of the signed-in user.' };

/** `GET /account/openapi.json`: as every function's, but the only credential is a user's own. */
export function openapiDocument(routes: () => readonly Route[]): Route {
  return {
    ...serveOpenapi(BASE_PATH, routes),
    handle: async () => {
      const document = describe(BASE_PATH, routes()) as { components: object };
      const components = { ...document.components, securitySchemes: { accessToken: ACCESS_TOKEN } };
      return { status: 200, body: { ...document, security: [{ accessToken: [] }], components } };
    },
  };
}
