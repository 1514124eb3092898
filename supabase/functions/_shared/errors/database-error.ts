import { ERRORS, type HoldfastError } from '../errors.ts';
import { catalogueError } from './driver-error.ts';

/** SQLSTATEs of a schema, table, column or function that is not there: nothing else of ours would say so. */
const MISSING = /^(3F000|42P01|42703|42883)$/;

/** An error that a route met, as one of the catalogue: the ledger's absence has a code of its own. */
export function databaseError(error: unknown): HoldfastError {
  const known = catalogueError(error);
  const sqlState = known.details.sqlState;
  if (known.code !== 'QUERY_FAILED' || typeof sqlState !== 'string' || !MISSING.test(sqlState)) return known;
  return ERRORS.MIGRATIONS_MISSING('the database lacks a part of Holdfast', { cause: error, details: { sqlState } });
}
