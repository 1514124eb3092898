/** The sequences' values as `setval` statements, as pg_dump writes them into its data section. */
import type { Platform } from '../platform.ts';
import type { ConnectionOptions } from './connection-url.ts';
import { qualifiedName, quoteLiteral } from './identifiers.ts';
import { openSession } from './open-session.ts';
import type { PgSession } from './session.ts';

export interface SequenceName {
  readonly schema: string;
  readonly name: string;
}

/** Sequences read by one statement; it takes a lock on each. */
const BATCH = 200;

/** Without those of extensions and temporary ones. A sequence that belongs to a column goes with its table. */
const SEQUENCES_SQL = `
  select n.nspname, c.relname, t.nspname, t.relname
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  left join lateral (
    select tn.nspname, tc.relname
    from pg_depend d join pg_class tc on tc.oid = d.refobjid join pg_namespace tn on tn.oid = tc.relnamespace
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass
      and d.refobjsubid > 0 and d.deptype in ('a', 'i')
    limit 1
  ) t on true
  where c.relkind = 'S' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (
      select from pg_depend d
      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    and has_schema_privilege(n.oid, 'usage')
    and case when c.relkind = 'S' then has_sequence_privilege(c.oid, 'select') end
  order by n.nspname collate "C", c.relname collate "C"`;

/**
 * Sequences that the role may not read are left out: compare with Catalog.sequenceCount. Values are those of now, at or
 * behind those of any snapshot, so that no restored row meets its own number again.
 */
export async function* dumpSequences(
  platform: Platform,
  url: string | ConnectionOptions,
  options: {
    readonly excludeSchemas?: readonly string[];
    readonly excludeTables?: readonly SequenceName[];
    readonly tables?: readonly SequenceName[];
  },
): AsyncGenerator<Uint8Array> {
  const session = await openSession(platform, url, { applicationName: 'holdfast sequences' });
  try {
    const sequences = await listSequences(session, options);
    const encoder = new TextEncoder();
    for (let offset = 0; offset < sequences.length; offset += BATCH) {
      yield encoder.encode(await setvalStatements(session, sequences.slice(offset, offset + BATCH)));
    }
  } finally {
    await session.close();
  }
}

async function listSequences(
  session: PgSession,
  options: Parameters<typeof dumpSequences>[2],
): Promise<SequenceName[]> {
  const key = (one: SequenceName) => JSON.stringify([one.schema, one.name]);
  const excludedSchemas = new Set(options.excludeSchemas);
  const excluded = new Set(options.excludeTables?.map(key));
  const wanted = options.tables ? new Set(options.tables.map(key)) : null;
  return (await session.query(SEQUENCES_SQL))
    .map(([schema, name, ownerSchema, owner]) => ({
      sequence: { schema: schema!, name: name! },
      owner: owner === null ? null : { schema: ownerSchema!, name: owner! },
    }))
    .filter(({ sequence, owner }) => {
      const names = [sequence, ...(owner ? [owner] : [])];
      if (excludedSchemas.has(sequence.schema) || names.some((name) => excluded.has(key(name)))) return false;
      return wanted === null || names.some((name) => wanted.has(key(name)));
    })
    .map(({ sequence }) => sequence);
}

async function setvalStatements(session: PgSession, sequences: SequenceName[]): Promise<string> {
  const selects = sequences.map((one, index) => `select ${index}, last_value, is_called from ${qualifiedName(one)}`);
  const rows = await session.query(`${selects.join(' union all ')} order by 1`);
  return rows
    .map(([index, value, called]) => {
      const name = quoteLiteral(qualifiedName(sequences[Number(index)]!));
      return `SELECT pg_catalog.setval(${name}, ${value}, ${called === 't'});\n`;
    })
    .join('');
}
