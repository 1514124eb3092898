/** A function's routes as an OpenAPI 3.1 document. Its schemas are those that requests are parsed with. */
import { z } from 'zod';
import { errorAnswer } from './error-answer.ts';
import type { Route } from './route.ts';

type Json = Record<string, unknown>;

const SERVER = '/functions/v1';

/** Codes that every route may answer. */
const COMMON_ERRORS = [
  'REQUEST_INVALID',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'REQUEST_TOO_LARGE',
  'CONFIG_INVALID',
  'MIGRATIONS_MISSING',
  'INTERNAL',
  'AUTH_UNREACHABLE',
  'DATABASE_UNREACHABLE',
];

/** `basePath`: the function's name with a slash before it. */
export function openapiDocument<M>(basePath: string, routes: readonly Route<M>[]): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = basePath + route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: `Holdfast: ${basePath.slice(1)}`,
      version: '1.0.0',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: SERVER }],
    security: [{ serviceKey: [] }, { accessToken: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        serviceKey: {
          type: 'apiKey',
          in: 'header',
          name: 'apikey',
          description: 'The service_role key or a secret key.',
        },
        accessToken: { type: 'http', scheme: 'bearer', description: "An admin's access token, or the service key." },
      },
    },
  };
}

function operation<M>(route: Route<M>, schemas: Json): Json {
  return {
    operationId: route.name,
    summary: route.summary,
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...(route.body ? { requestBody: { required: true, content: jsonContent(route.body, schemas, 'input') } } : {}),
    responses: {
      [route.success.status]: {
        description: route.success.description,
        content: { ...jsonContent(route.success.schema, schemas, 'output'), ...textContent(route.success.texts) },
      },
      default: {
        description: `An error: ${[...COMMON_ERRORS, ...route.errors].join(', ')}.`,
        content: jsonContent(errorAnswer, schemas, 'output'),
      },
    },
  };
}

function parameters(schema: z.ZodType, place: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = toJsonSchema(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description ? { description } : {}),
    schema: rest,
  }));
}

/** Schemas with an id come as references, and stand once, under components. */
function jsonContent(schema: z.ZodType, schemas: Json, io: 'input' | 'output'): Json {
  const { $defs = {}, ...json } = toJsonSchema(schema, io) as { $defs?: Record<string, Json> } & Json;
  for (const [id, { id: _, ...definition }] of Object.entries($defs)) schemas[id] = definition;
  return { 'application/json': { schema: json } };
}

function textContent(mediaTypes: readonly string[] = []): Json {
  return Object.fromEntries(mediaTypes.map((type) => [type, { schema: { type: 'string' } }]));
}

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const json = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' });
  const { $schema: _, ...rest } = JSON.parse(
    JSON.stringify(json).replaceAll('"#/$defs/', '"#/components/schemas/'),
  ) as Json;
  return rest;
}
