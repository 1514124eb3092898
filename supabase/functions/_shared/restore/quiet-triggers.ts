/**
 * Triggers did their work when the person was erased; when a restore erases again they would write to somebody, or refuse.
 * Those of the owner's tables are turned off within the transaction of the erasure, and on again as they were: nobody else
 * sees them off. Foreign keys are no such triggers and act as always.
 */
import type { EraseCatalog, TableRef } from '../postgres/erase-catalog.ts';
import { nameOf } from '../postgres/erase-catalog.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/identifiers.ts';
import { isManagedSchema } from '../postgres/managed-schemas.ts';
import type { TextQuery } from '../postgres/text-query.ts';

export interface QuietTriggers {
  /** Statements for the beginning of the transaction, and for its end; [] where there is nothing to turn off. */
  readonly off: readonly string[];
  readonly on: readonly string[];
  /** `name on schema.table`: those that this role may not turn off. */
  readonly loud: readonly string[];
}

interface Found extends TableRef {
  readonly name: string;
  /** O: fires as a rule. A: always. */
  readonly mode: 'O' | 'A';
  readonly mayAlter: boolean;
  /** Of the table's schema, and of that of the function. */
  readonly place: { readonly name: string; readonly owner: string };
  readonly calls: { readonly name: string; readonly owner: string };
}

/** Enabled ones that fire for DELETE (8) or UPDATE (16), also of partitions and of tables that inherit. */
function triggersSql(tables: readonly TableRef[]): string {
  const names = tables.map((table) => quoteLiteral(nameOf(table))).join(', ');
  return `
    with recursive touched (oid) as (
      select pg_catalog.to_regclass(t.name)::oid from pg_catalog.unnest(array[${names}]::text[]) as t (name)
      union
      select i.inhrelid from touched join pg_catalog.pg_inherits i on i.inhparent = touched.oid)
    select pg_catalog.json_build_object('schema', n.nspname, 'table', c.relname, 'name', t.tgname, 'mode', t.tgenabled,
      'mayAlter', pg_catalog.pg_has_role(c.relowner, 'usage'),
      'place', pg_catalog.json_build_object('name', n.nspname, 'owner', pg_catalog.pg_get_userbyid(n.nspowner)),
      'calls', pg_catalog.json_build_object('name', pn.nspname, 'owner', pg_catalog.pg_get_userbyid(pn.nspowner)))::text
    from touched
    join pg_catalog.pg_class c on c.oid = touched.oid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_trigger t on t.tgrelid = c.oid
    join pg_catalog.pg_proc p on p.oid = t.tgfoid
    join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace
    where not t.tgisinternal and t.tgenabled in ('O', 'A') and t.tgtype & 24 <> 0
    order by n.nspname collate "C", c.relname collate "C", t.tgname collate "C"`;
}

/** `tables`: whose rows are erased. What foreign keys take along is found here. Throws what the query throws. */
export async function quietTriggers(
  query: TextQuery,
  tables: readonly TableRef[],
  catalog: EraseCatalog,
): Promise<QuietTriggers> {
  const touched = withReferring(tables, catalog);
  if (touched.length === 0) return { off: [], on: [], loud: [] };
  const found = (await query(triggersSql(touched))).map(([json]) => JSON.parse(json!) as Found);
  // The platform's tables rely on its triggers.
  const isQuiet = ({ mayAlter, place }: Found) => mayAlter && !isManagedSchema(place);
  const quiet = found.filter(isQuiet);
  const loud = found.filter((trigger) => !isQuiet(trigger) && !isManagedSchema(trigger.calls));
  return {
    off: quiet.map((trigger) => alter(trigger, 'disable')),
    // A table whose deferred foreign keys still wait cannot be altered.
    on: quiet.length === 0 ? [] : ['set constraints all immediate', ...quiet.map(turnedOn)],
    loud: loud.map(({ name, schema, table }) => `${name} on ${schema}.${table}`),
  };
}

function turnedOn(trigger: Found): string {
  return alter(trigger, trigger.mode === 'A' ? 'enable always' : 'enable');
}

/** ONLY: partitions have settings of their own, and are listed by themselves. */
function alter(trigger: Found, how: string): string {
  return `alter table only ${nameOf(trigger)} ${how} trigger ${quoteIdentifier(trigger.name)}`;
}

function withReferring(tables: readonly TableRef[], { foreignKeys }: EraseCatalog): TableRef[] {
  const touched = new Map(tables.map((table) => [nameOf(table), table]));
  // A map may grow while it is walked: children of children are reached too.
  for (const name of touched.keys()) {
    for (const { parent, child, onDelete } of foreignKeys) {
      const acts = onDelete !== 'no action' && onDelete !== 'restrict';
      if (acts && nameOf(parent) === name) touched.set(nameOf(child), child);
    }
  }
  return [...touched.values()];
}
