import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { STACK_ERRORS } from './stack-errors.ts';

/** Names that the platform keeps for itself: `supabase secrets set` refuses them. */
const RESERVED = /^SUPABASE_/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Secrets for the functions from a file of `NAME=value` lines, as `supabase functions serve --env-file` takes it: quotes,
 * comments and `export` are understood, a value in quotes may have several lines. Throws STACK_OPTION_INVALID naming every
 * line that is none of this, or every name that the platform keeps for itself. (Node 20 takes `--env-file` for itself.)
 */
export async function readFunctionsEnv(path: string): Promise<Record<string, string>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw invalid(`--functions-env must name a file that can be read: ${(cause as Error).message}`);
  }
  const env = parseEnv(text) as Record<string, string>;
  const strange = strangeLines(text, env);
  // The parser takes such a line for the beginning of the next name: names say nothing then.
  if (strange.length > 0)
    throw invalid(`${path}: ${strange.map((line) => `line ${line} is no NAME=value`).join('; ')}`);
  const refused = Object.keys(env).filter((name) => RESERVED.test(name) || !NAME.test(name));
  if (refused.length === 0) return env;
  throw invalid(`${path}: ${refused.join(', ')}: names are letters, digits and _, and do not begin with SUPABASE_`);
}

/** The parser skips what it does not understand; a secret that is missing for that would be looked for long. */
function strangeLines(text: string, env: Readonly<Record<string, string>>): number[] {
  const inside = new Set(Object.values(env).flatMap((value) => value.split('\n').slice(1)));
  return text.split(/\r?\n/).flatMap((line, index) => {
    const isKnown = /^\s*(#|$)/.test(line) || /^\s*(export\s+)?[^\s=#]+\s*=/.test(line);
    const isInside = inside.has(line) || inside.has(line.replace(/["'`]\s*(#.*)?$/, ''));
    return isKnown || isInside ? [] : [index + 1];
  });
}

function invalid(message: string) {
  return STACK_ERRORS.STACK_OPTION_INVALID(message);
}
