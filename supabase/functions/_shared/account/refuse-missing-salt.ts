import type { SubjectSource } from '../domain/subject-types.ts';
import { ERRORS } from '../errors.ts';
import type { PgSession } from '../postgres/session.ts';
import { HASH_SALT } from './column-expression.ts';

/**
 * A hash of nothing is null, which would look as if the column were empty. Throws SUBJECT_SOURCE_INVALID when columns of the
 * table are to be hashed and the project has no secret to hash them with, and what the query throws.
 */
export async function refuseMissingSalt(session: PgSession, source: SubjectSource): Promise<void> {
  const hashed = source.columns.filter(({ rule }) => rule === 'hash').map(({ column }) => column);
  if (hashed.length === 0) return;
  const [row] = await session.query(`select (coalesce(${HASH_SALT}, '') <> '')::text`);
  if (row![0] === 'true') return;
  throw ERRORS.SUBJECT_SOURCE_INVALID(
    `${source.schema}.${source.table}: ${hashed.join(', ')} cannot be hashed, because backup.setting has no subject_hash_salt`,
    { hint: 'Run select backup.configure(), which draws one; a restored database has none.' },
  );
}
