/**
 * A scratch database on a project's own server has the project's roles, which are the server's, and none of its
 * platform: `auth`, `storage` and the rest, which foreign keys, policies and functions of a backup refer to. Their
 * structure is copied from the live database; their rows come from the backup.
 */
import { cleanDump, RESTRICT_KEY } from '../../postgres/clean-dump.ts';
import { dumpPattern } from '../../postgres/dump-schema.ts';
import { quoteIdentifier } from '../../postgres/identifiers.ts';
import { isManagedSchema } from '../../postgres/managed-schemas.ts';
import { pgDump } from '../../postgres/pg-dump.ts';
import type { PgSession } from '../../postgres/session.ts';
import type { DumpEntry } from '../contracts.ts';
import { splitDump } from '../split-dump.ts';
import type { DrillMeans, DrillSlice } from './drill-means.ts';
import { withSession } from './scratch-database.ts';

/** Of the platform's own triggers and policies none is needed, and default privileges are other roles' to set. */
const COPIED = new Set([
  ...['', 'SCHEMA', 'TYPE', 'DOMAIN', 'FUNCTION', 'PROCEDURE', 'AGGREGATE', 'SEQUENCE', 'SEQUENCE OWNED BY', 'TABLE'],
  ...['DEFAULT', 'VIEW', 'MATERIALIZED VIEW', 'TABLE ATTACH', 'CONSTRAINT', 'FK CONSTRAINT', 'INDEX', 'INDEX ATTACH'],
  ...['ROW SECURITY', 'ACL', 'OPERATOR', 'CAST', 'COLLATION'],
]);

interface Extension {
  readonly name: string;
  readonly schema: string;
}

export interface Shape {
  readonly notes: readonly string[];
  readonly withoutExtensions: readonly string[];
}

/** May run again after it was interrupted. Throws what connecting and pg_dump throw; a refused statement is a note. */
export async function shapeScratch({ means, archive, target }: DrillSlice): Promise<Shape> {
  const { supabase, schemas, extensions } = await readPlatform(means);
  const wanted = archive.manifest.schema.extensions;
  // Where the live database is another than the source, or has dropped one since, the backup still needs its own.
  const all = [...extensions, ...wanted.filter(({ name }) => !extensions.some((own) => own.name === name))];
  return await withSession(means.platform, target, async (session) => {
    await session.query('set client_min_messages = warning; set check_function_bodies = off');
    const refused = supabase
      ? await runEach(session, await platformEntries(means, schemas), all)
      : await createExtensions(session, all);
    const without = refused.filter(({ extension }) => wanted.some(({ name }) => name === extension));
    return {
      withoutExtensions: without.map(({ extension }) => extension),
      notes: without.map(({ extension, reason }) => `the scratch database has no extension ${extension}: ${reason}`),
    };
  });
}

async function readPlatform(means: DrillMeans) {
  return await withSession(means.platform, means.server, async (session) => {
    const rows = await session.query(
      `select nspname, pg_get_userbyid(nspowner) from pg_namespace where nspname !~ '^pg_' order by nspname`,
    );
    const schemas = rows.map(([name, owner]) => ({ name: name!, owner: owner! })).filter(isManagedSchema);
    const found = await session.query(`
      select e.extname, n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace
      where e.extname <> 'plpgsql' order by e.oid`);
    const extensions = found.map(([name, schema]): Extension => ({ name: name!, schema: schema! }));
    return {
      supabase: schemas.some(({ name }) => name === 'auth'),
      schemas: schemas.map(({ name }) => name),
      extensions,
    };
  });
}

/** Owned by whoever runs the drill. */
async function platformEntries(means: DrillMeans, schemas: readonly string[]): Promise<DumpEntry[]> {
  const parts: Uint8Array[] = [];
  const args = [
    ...['--schema-only', '--no-owner', '--no-comments', '--no-publications', '--no-subscriptions'],
    ...['--quote-all-identifiers', `--restrict-key=${RESTRICT_KEY}`],
    ...schemas.map((schema) => `--schema=${dumpPattern(schema)}`),
  ];
  await pgDump(means.platform, means.server, { args, onData: (bytes) => void parts.push(bytes) });
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of cleanDump(stream(parts))) text += decoder.decode(bytes, { stream: true });
  return splitDump(text + decoder.decode()).filter(({ type }) => COPIED.has(type));
}

async function* stream(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

interface Refused {
  readonly extension: string;
  readonly reason: string;
}

/** The schemas first, then the extensions, which live in them, then what refers to both. */
async function runEach(
  session: PgSession,
  entries: readonly DumpEntry[],
  extensions: readonly Extension[],
): Promise<Refused[]> {
  for (const { sql } of entries.filter(({ type }) => type === 'SCHEMA' || type === '')) await tryOne(session, sql);
  const refused = await createExtensions(session, extensions);
  for (const { sql } of entries.filter(({ type }) => type !== 'SCHEMA')) await tryOne(session, sql);
  return refused;
}

async function createExtensions(session: PgSession, extensions: readonly Extension[]): Promise<Refused[]> {
  const refused: Refused[] = [];
  for (const { name, schema } of extensions) {
    if (!schema.startsWith('pg_')) await tryOne(session, `create schema if not exists ${quoteIdentifier(schema)}`);
    const place = schema.startsWith('pg_') ? '' : ` with schema ${quoteIdentifier(schema)}`;
    const reason = await tryOne(session, `create extension if not exists ${quoteIdentifier(name)}${place}`);
    if (reason !== null) refused.push({ extension: name, reason });
  }
  return refused;
}

/** null when it ran. What is there already, or is another role's to do, stays as it is: the backup's own DDL will tell. */
async function tryOne(session: PgSession, sql: string): Promise<string | null> {
  try {
    await session.query(sql);
    return null;
  } catch (error) {
    const { HoldfastError } = await import('../../errors.ts');
    if (error instanceof HoldfastError && error.code === 'QUERY_FAILED') return error.message;
    throw error;
  }
}
