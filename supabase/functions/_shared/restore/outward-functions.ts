/** Which functions reach out of the database, by what their definitions say. Pure. */
import type { DumpEntry } from './contracts.ts';
import { nameAfter } from './entry-subject.ts';
import { codeTokens } from './sql-lexer.ts';

/** Calls of pg_net, of the platform's webhooks, of the extensions http and dblink. */
const OUTWARD =
  /\bnet"?\s*\.\s*"?http_|\bhttp_(?:request|get|post|put|patch|delete|head)\b|\bextensions"?\s*\.\s*"?http\b|\bdblink\w*"?\s*\(/i;

export interface OutwardFunctions {
  /** By the parts of its name: does the function itself, or one that it names, call something outside? */
  has(name: readonly string[]): boolean;
}

/** `preData`: where the functions are. */
export function outwardFunctions(preData: readonly DumpEntry[]): OutwardFunctions {
  const functions = preData
    .filter(({ type }) => type === 'FUNCTION' || type === 'PROCEDURE')
    .map(({ sql }) => ({ sql, name: nameAfter(codeTokens(sql), ['FUNCTION', 'PROCEDURE']) }));
  const outward = new Set<string>();
  let found = functions.filter(({ sql }) => OUTWARD.test(sql));
  while (found.length > 0) {
    for (const { name } of found) outward.add(name.join('.'));
    const calls = found.map(({ name }) => callOf(name.at(-1) ?? ''));
    found = functions.filter(({ sql, name }) => !outward.has(name.join('.')) && calls.some((call) => call.test(sql)));
  }
  return { has: (name) => outward.has(name.join('.')) || OUTWARD.test(`${name.join('.')}(`) };
}

function callOf(name: string): RegExp {
  return new RegExp(`(?<![\\w$])"?${name.replace(/[^\w]/g, '\\$&')}"?\\s*\\(`, 'i');
}
