/** Reads the parts of a request through their schemas. Throws REQUEST_INVALID with every problem, not the first. */
import type { z } from 'zod';
import { ERRORS, type HoldfastError } from '../errors.ts';

export interface RequestProblem {
  /** `where[0].column`; empty for the whole. */
  readonly field: string;
  readonly rule: string;
}

/** `what` names the part for people: `body`, `query`. */
export function parseRequest<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidRequest(
    parsed.error.issues.map((issue) => ({ field: fieldOf(issue.path), rule: issue.message })),
    what,
  );
}

/** The body as JSON; an empty body is `{}`. */
export async function readJsonBody(request: Request): Promise<unknown> {
  const text = await readText(request);
  if (text.trim() === '') return {};
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/json *(;|$)/i.test(type)) {
    throw invalidRequest(
      [{ field: 'content-type', rule: `must be application/json, not '${type.slice(0, 100)}'` }],
      'request',
    );
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw ERRORS.REQUEST_INVALID('the body is not valid JSON', { cause });
  }
}

async function readText(request: Request): Promise<string> {
  const bytes = await request.arrayBuffer();
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw ERRORS.REQUEST_INVALID('the body is not valid UTF-8', { cause });
  }
}

export function invalidRequest(problems: RequestProblem[], what: string): HoldfastError {
  const list = problems.map(({ field, rule }) => (field === '' ? rule : `${field}: ${rule}`));
  return ERRORS.REQUEST_INVALID(
    `the ${what} breaks ${problems.length === 1 ? 'a rule' : 'rules'}: ${list.join('; ')}`,
    {
      details: { problems },
    },
  );
}

function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (field, part) => (typeof part === 'number' ? `${field}[${part}]` : `${field}${field && '.'}${String(part)}`),
    '',
  );
}
