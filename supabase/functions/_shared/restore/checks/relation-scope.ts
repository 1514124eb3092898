/** Which relations of the restored database the checks look at. */
import { quoteLiteral } from '../../postgres/identifiers.ts';
import type { CheckContext } from '../contracts.ts';

/**
 * SQL condition over pg_namespace `n` and pg_class `c`: the user's own relations, and of the platform's schemas those
 * tables that the restore filled. The system's, temporary ones and an extension's are left out.
 */
export function relationScope(context: CheckContext): string {
  return `(${schemaScope(context)} or (n.nspname, c.relname) in (${filledNames(context)}))
    and not exists (select from pg_depend m
      where m.classid = 'pg_class'::regclass and m.objid = c.oid and m.deptype = 'e')`;
}

/** SQL condition over pg_namespace `n`: schemas that are the user's. */
export function schemaScope({ manifest }: CheckContext): string {
  const managed = manifest.schema.managed_schemas.map(quoteLiteral).join(', ');
  return `(n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and n.nspname <> all (array[${managed}]::text[]))`;
}

function filledNames({ plan }: CheckContext): string {
  const names = plan.tables
    .filter(({ table, action }) => table.managed && action !== 'skip')
    .map(({ target }) => `(${quoteLiteral(target.schema)}, ${quoteLiteral(target.name)})`);
  return names.length > 0 ? names.join(', ') : `('', '')`;
}
