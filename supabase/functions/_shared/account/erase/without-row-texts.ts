import { catalogueError } from '../../errors/driver-error.ts';
import { ERRORS } from '../../errors.ts';

/**
 * An error of a statement that erases, without what the server or a trigger said: that may quote the person. It goes into
 * jobs and alerts, which outlive them. What is transient says nothing about rows and stays as it is.
 */
export function withoutRowTexts(error: unknown): unknown {
  const known = catalogueError(error);
  if (known.code !== 'QUERY_FAILED' || known === error) return error;
  const { code, constraint_name: constraint, where } = error as Record<'code' | 'constraint_name' | 'where', unknown>;
  const routine = /PL\/pgSQL function [^\s()]+\([^()]*\) line \d+/.exec(String(where ?? ''))?.[0];
  const words = [
    `SQLSTATE ${code}`,
    ...(constraint ? [`constraint ${constraint}`] : []),
    ...(routine ? [routine] : []),
  ];
  return ERRORS.QUERY_FAILED(`the database refused to erase rows: ${words.join(', ')}`, {
    details: { sqlState: code },
    hint: 'Find the trigger or constraint that is named, and change it; nothing was erased. The same erasure then goes on with npm run account:erase -- --resume ERASURE --yes.',
  });
}
