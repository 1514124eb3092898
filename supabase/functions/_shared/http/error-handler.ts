/** The one place where errors become HTTP answers: `{"error": {code, message, hint, details?}}` with the error's status. */
import { ERRORS, HoldfastError } from '../errors.ts';

export interface ErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly details?: Record<string, unknown>;
  };
}

/** What people may see of an error. Of one that is not ours nothing: its message may hold anything. */
export function publicError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError && error.code === 'CONFIG_INVALID') return withoutValues(error);
  if (error instanceof HoldfastError && error.kind !== 'bug') return error;
  return ERRORS.INTERNAL('something went wrong that should not have', {
    cause: error,
    hint: 'The log of this function says what; please report it.',
  });
}

export function errorResponse(error: unknown, headers: Record<string, string> = {}): Response {
  const known = publicError(error);
  const body: ErrorBody = {
    error: {
      code: known.code,
      message: known.message,
      hint: known.hint,
      ...(Object.keys(known.details).length > 0 ? { details: known.details } : {}),
    },
  };
  return Response.json(body, { status: known.http, headers: { ...challenge(known), ...headers } });
}

/** A broken configuration is told to whoever asks, before anybody knows who it is: names and rules, never what was found. */
function withoutValues(error: HoldfastError): HoldfastError {
  const problems = (error.details.problems ?? []) as { variable: string; rule: string }[];
  const listed = problems.map(({ variable, rule }) => ({ variable, rule }));
  const message = `configuration is not valid: ${listed.map(({ variable, rule }) => `${variable} ${rule}`).join('; ')}`;
  return ERRORS.CONFIG_INVALID(message, { cause: error, details: { problems: listed } });
}

/** RFC 9110 asks for a challenge with every 401. */
function challenge(error: HoldfastError): Record<string, string> {
  return error.http === 401 ? { 'www-authenticate': 'Bearer' } : {};
}
